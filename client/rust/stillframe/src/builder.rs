//! How a client reaches its server.

use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::retry::RetryPolicy;
use crate::transport::Transport;
use crate::value::{Codec, JsonCodec};

/// The default bound on a message in either direction; the server's own.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// The default time of a call with its retries.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// How often a quiet connection is pinged. The server accepts pings every 10 s.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How long a ping may stay without an answer until the connection counts as broken.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take to open. What retries is the call, soon and often.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const USER_AGENT: &str = concat!("stillframe-rust/", env!("CARGO_PKG_VERSION"));

/// The settings of a [`Client`], from [`Client::builder`].
pub struct Builder {
    target: String,
    tenant: String,
    tls: Option<ClientTlsConfig>,
    channel: Option<Channel>,
    metadata: Vec<(String, String)>,
    timeout: Duration,
    retry: RetryPolicy,
    codec: Arc<dyn Codec>,
    max_message_bytes: usize,
}

impl Builder {
    pub(crate) fn new(target: String, tenant: String) -> Self {
        Self {
            target,
            tenant,
            tls: None,
            channel: None,
            metadata: Vec::new(),
            timeout: TIMEOUT,
            retry: RetryPolicy::default(),
            codec: Arc::new(JsonCodec),
            max_message_bytes: MAX_MESSAGE_BYTES,
        }
    }

    /// Uses TLS, and trusts the roots of the system.
    pub fn tls(self) -> Self {
        self.tls_config(ClientTlsConfig::new().with_native_roots())
    }

    /// Uses TLS, and trusts these root certificates (PEM) alone.
    pub fn tls_roots(self, pem: impl AsRef<[u8]>) -> Self {
        self.tls_config(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
    }

    /// Uses TLS with settings of tonic's: a client certificate, another name of the server.
    pub fn tls_config(mut self, config: ClientTlsConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// Uses a connection that the caller made, whatever the target and the TLS settings.
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Sends this with every call, such as `authorization`. May be given many times.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((key.into(), value.into()));
        self
    }

    /// The time that a call may take with its retries; [`TIMEOUT`] if not given, and
    /// `Duration::MAX` for no bound. Watches have none.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How calls are repeated.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// What turns values into payloads and back; [`JsonCodec`] if not given.
    pub fn codec(mut self, codec: impl Codec + 'static) -> Self {
        self.codec = Arc::new(codec);
        self
    }

    /// The bound on a message in either direction, in bytes; [`MAX_MESSAGE_BYTES`] if not given,
    /// and at least 262,144.
    pub fn max_message_bytes(mut self, max_message_bytes: usize) -> Self {
        self.max_message_bytes = max_message_bytes;
        self
    }

    /// Opens the client, within a tokio runtime. It connects with its first call, and belongs to
    /// the runtime.
    ///
    /// # Errors
    ///
    /// [`Reason::InvalidField`](crate::Reason::InvalidField) for a target, TLS settings or
    /// metadata that cannot be, and without a runtime.
    pub fn open(self) -> Result<Client> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::invalid_field(
                "runtime",
                "a client is opened within tokio's",
            ));
        }
        let channels = match self.channel {
            Some(channel) => vec![channel],
            None => channels(&self.target, self.tls.as_ref())?,
        };
        let metadata = metadata_map(&self.metadata)?;
        let transport = Transport::new(channels, metadata, self.retry, self.max_message_bytes);
        Ok(Client::new(
            transport,
            self.tenant,
            self.codec,
            self.timeout,
        ))
    }
}

fn channels(target: &str, tls: Option<&ClientTlsConfig>) -> Result<Vec<Channel>> {
    let address = |address: &str| match address.trim() {
        "" => Err(Error::invalid_field("target", "has an empty address")),
        address => Ok(endpoint(address, tls)?.connect_lazy()),
    };
    target.split(',').map(address).collect()
}

fn endpoint(address: &str, tls: Option<&ClientTlsConfig>) -> Result<Endpoint> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let has_scheme = address.contains("://") || address.starts_with("unix:");
    let uri = if has_scheme {
        address.to_owned()
    } else {
        format!("{scheme}://{address}")
    };
    let invalid = |field: &str, error: tonic::transport::Error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Error::invalid_field(field, &cause.unwrap_or_else(|| error.to_string()))
    };
    let endpoint = Endpoint::from_shared(uri)
        .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
        .map_err(|error| invalid("target", error))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        // A watch may be the only call, and quiet; and a dead connection is better found between
        // two saves than by the second.
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    match tls {
        Some(tls) => endpoint
            .tls_config(tls.clone())
            .map_err(|error| invalid("tls", error)),
        None => Ok(endpoint),
    }
}

fn metadata_map(pairs: &[(String, String)]) -> Result<MetadataMap> {
    let mut metadata = MetadataMap::new();
    for (key, value) in pairs {
        let invalid = |description| Error::invalid_field("metadata", description);
        let name: MetadataKey<Ascii> = key
            .parse()
            .map_err(|_| invalid("a key is no header name"))?;
        let value: MetadataValue<Ascii> = value
            .parse()
            .map_err(|_| invalid("a value is no header value"))?;
        metadata.append(name, value);
    }
    Ok(metadata)
}
