//! TLS, against a server with a certificate of its own.

mod support;

use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use stillframe::{Client, Code};
use stillframe_proto::v1 as pb;
use support::{Server, impatient, message};
use tonic::transport::{Identity, ServerTlsConfig};

fn certificate() -> (String, String) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

async fn start(certificate: &str, key: &str) -> Server {
    let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
    let builder = tonic::transport::Server::builder().tls_config(tls).unwrap();
    let info = || message(pb::GetServerInfoResponse::default());
    Server::start_with(([127, 0, 0, 1], 0).into(), builder, [info(), info()]).await
}

#[tokio::test]
async fn a_server_of_the_given_root_is_trusted_by_name_and_by_address() {
    let (certificate, key) = certificate();
    let server = start(&certificate, &key).await;
    let port = server.address.port();
    for target in [format!("localhost:{port}"), format!("127.0.0.1:{port}")] {
        let client = Client::builder(target, "acme")
            .tls_roots(&certificate)
            .open()
            .unwrap();
        client.info().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_of_another_root_is_not_trusted() {
    let (cert, key) = certificate();
    let server = start(&cert, &key).await;
    let (other, _) = certificate();
    for builder in [
        Client::builder(server.address.to_string(), "acme").tls_roots(other),
        Client::builder(server.address.to_string(), "acme"),
    ] {
        let patience = Duration::from_millis(200);
        let client = builder.retry(impatient()).timeout(patience).open().unwrap();
        let error = client.info().await.unwrap_err();
        assert!(
            matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded),
            "{error}"
        );
        assert!(server.script.calls().is_empty());
    }
}
