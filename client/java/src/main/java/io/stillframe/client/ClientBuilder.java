package io.stillframe.client;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptors;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Makes a {@link Client}. */
public final class ClientBuilder {
    /** The default bound on a message in either direction; the server's own. */
    public static final int MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

    private static final Duration KEEPALIVE = Duration.ofSeconds(30);
    private static final Duration KEEPALIVE_TIMEOUT = Duration.ofSeconds(10);
    private static final int CONNECT_TIMEOUT_MS = 5_000;
    // An error's details alone may have 4 KiB, and a third more as text.
    private static final int MAX_METADATA_BYTES = 32 * 1024;

    private final String target;
    private final Metadata metadata = new Metadata();
    private String tenant;
    private ChannelCredentials credentials = InsecureChannelCredentials.create();
    private CallCredentials callCredentials;
    private Channel channel;
    private Duration timeout = Duration.ofSeconds(30);
    private RetryPolicy retry = RetryPolicy.DEFAULT;
    private Codec codec = new JsonCodec();
    private int maxMessageBytes = MAX_MESSAGE_BYTES;
    private Clock clock = Clock.SYSTEM;

    ClientBuilder(String target) {
        this.target = Addresses.target(target);
    }

    /** The tenant of every call. Required. */
    public ClientBuilder tenant(String tenant) {
        this.tenant = tenant;
        return this;
    }

    /** TLS with the roots of the Java runtime. Without any of these three: plaintext. */
    public ClientBuilder tls() {
        return credentials(TlsChannelCredentials.create());
    }

    /**
     * TLS with the certificates in this PEM file as the only roots.
     *
     * @throws IOException if the file cannot be read
     */
    public ClientBuilder tls(File roots) throws IOException {
        return credentials(TlsChannelCredentials.newBuilder().trustManager(roots).build());
    }

    /** Credentials of the connection, such as TLS with a certificate of the client's own. */
    public ClientBuilder credentials(ChannelCredentials credentials) {
        this.credentials = Objects.requireNonNull(credentials);
        return this;
    }

    /** Credentials of each call, such as a token that is renewed. */
    public ClientBuilder callCredentials(CallCredentials callCredentials) {
        this.callCredentials = Objects.requireNonNull(callCredentials);
        return this;
    }

    /** Metadata that goes with every call. May be given many times. */
    public ClientBuilder metadata(String key, String value) {
        metadata.put(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER), value);
        return this;
    }

    /**
     * How long a call may take with all its retries; 30 s if not set. A watch has no timeout.
     * {@link Client#withTimeout} is for single calls.
     */
    public ClientBuilder timeout(Duration timeout) {
        this.timeout = Objects.requireNonNull(timeout);
        return this;
    }

    /** Calls without a timeout; then only the retries bound them. */
    public ClientBuilder noTimeout() {
        this.timeout = null;
        return this;
    }

    /** How calls are repeated. */
    public ClientBuilder retry(RetryPolicy retry) {
        this.retry = Objects.requireNonNull(retry);
        return this;
    }

    /** Turns values into payloads and back; {@link JsonCodec} if not set. */
    public ClientBuilder codec(Codec codec) {
        this.codec = Objects.requireNonNull(codec);
        return this;
    }

    /** The bound on messages in both directions; {@link #MAX_MESSAGE_BYTES} if not set. */
    public ClientBuilder maxMessageBytes(int maxMessageBytes) {
        this.maxMessageBytes = maxMessageBytes;
        return this;
    }

    /**
     * Use this channel instead of one to the target. It is left open, and credentials, keepalive and
     * the bound on what comes in are its own.
     */
    public ClientBuilder channel(Channel channel) {
        this.channel = Objects.requireNonNull(channel);
        return this;
    }

    ClientBuilder clock(Clock clock) {
        this.clock = clock;
        return this;
    }

    /** Makes the client. It connects at its first call. */
    public Client build() {
        Objects.requireNonNull(tenant, "tenant");
        ManagedChannel owned = channel == null ? open() : null;
        Channel below = owned == null ? channel : owned;
        CallOptions options = CallOptions.DEFAULT;
        if (callCredentials != null) {
            options = options.withCallCredentials(callCredentials);
        }
        Channel intercepted =
                metadata.keys().isEmpty()
                        ? below
                        : ClientInterceptors.intercept(
                                below, MetadataUtils.newAttachHeadersInterceptor(metadata));
        Transport transport = new Transport(intercepted, owned, options, retry, clock);
        return new Client(new Calls(transport, tenant, codec, maxMessageBytes, timeout));
    }

    private ManagedChannel open() {
        return NettyChannelBuilder.forTarget(target, credentials)
                .userAgent("stillframe-java")
                .maxInboundMessageSize(maxMessageBytes)
                .maxInboundMetadataSize(MAX_METADATA_BYTES)
                // A watch may be the only call, and quiet; and a dead connection is better found
                // between two saves than by the second.
                .keepAliveTime(KEEPALIVE.toMillis(), TimeUnit.MILLISECONDS)
                .keepAliveTimeout(KEEPALIVE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
                .keepAliveWithoutCalls(true)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
                // Retries are the client's own: it knows which calls are safe to repeat, honours
                // RetryInfo, and counts the tries.
                .disableRetry()
                .build();
    }
}
