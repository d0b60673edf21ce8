package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.stillframe.client.errors.InvalidArgumentException;
import io.stillframe.client.errors.InvalidFieldException;
import io.stillframe.client.errors.SnapshotTooLargeException;
import io.stillframe.client.errors.UnavailableException;
import io.stillframe.v1.ExecutionSnapshot;
import io.stillframe.v1.GetServerInfoResponse;
import io.stillframe.v1.LoadSnapshotResponse;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What only a real connection shows, on 127.0.0.1. */
class ConnectionTest {
    private static final GetServerInfoResponse INFO =
            GetServerInfoResponse.newBuilder().setStoreKind("memory").build();
    private static final String PASSWORD = "password";

    private FakeServer answers;
    private Server server;

    @BeforeEach
    void open() throws IOException {
        answers = new FakeServer();
    }

    @AfterEach
    void close() {
        if (server != null) {
            server.shutdownNow();
        }
        answers.close();
    }

    private int start(int port, ServerCredentials credentials) throws IOException {
        InetSocketAddress address = new InetSocketAddress("127.0.0.1", port);
        server =
                answers.serve(NettyServerBuilder.forAddress(address, credentials))
                        .maxInboundMessageSize(Integer.MAX_VALUE)
                        .build()
                        .start();
        return server.getPort();
    }

    private int start() throws IOException {
        return start(0, InsecureServerCredentials.create());
    }

    private static ClientBuilder client(String target) {
        return Client.builder(target).tenant("acme");
    }

    @Test
    void aClientSaysWhatItIs() throws IOException {
        try (Client client = client("127.0.0.1:" + start()).build()) {
            answers.answer(INFO);
            assertEquals("memory", client.info().storeKind());
            Metadata.Key<String> agent =
                    Metadata.Key.of("user-agent", Metadata.ASCII_STRING_MARSHALLER);
            assertTrue(answers.headers.get(0).get(agent).startsWith("stillframe-java"));
        }
    }

    @Test
    void aRestartOfTheServerIsRiddenOut() throws IOException, InterruptedException {
        int port = start();
        answers.answer(INFO).answer(INFO);
        answers.watch(Frames.of(Frames.opened("t0")))
                .watch(Frames.of(Frames.opened("t0"), Frames.change("a", "t1")));
        try (Client client = client("127.0.0.1:" + port).build();
                Watch watch = client.watch(options -> {})) {
            client.info();
            assertInstanceOf(WatchEvent.Opened.class, watch.next());
            server.shutdownNow().awaitTermination();
            Client hasty = client.withTimeout(Duration.ofMillis(300));
            assertThrows(UnavailableException.class, hasty::info);
            start(port, InsecureServerCredentials.create());
            assertEquals("memory", client.info().storeKind());
            assertEquals(
                    "a", watch.changes().findFirst().orElseThrow().snapshot().executionId());
        }
    }

    @Test
    void ofSeveralAddressesTheFirstThatAnswersIsUsed() throws IOException {
        int closed = start();
        server.shutdownNow();
        int port = start();
        answers.answer(INFO).answer(INFO);
        String dead = "127.0.0.1:" + closed;
        try (Client client = client(dead + ", localhost:" + port).build()) {
            assertEquals("memory", client.info().storeKind());
        }
        try (Client client = client("127.0.0.1:" + port + "," + dead).build()) {
            assertEquals("memory", client.info().storeKind());
        }
    }

    @Test
    void aListTakesAddressesAlone() {
        for (String target :
                new String[] {"a.example:1,b.example:2", "127.0.0.1:1,", ",", "127.0.0.1:99999,[::1]"}) {
            assertThrows(IllegalArgumentException.class, () -> Client.builder(target), target);
        }
        assertEquals("dns:///a:1", Addresses.target(" dns:///a:1 "));
        assertEquals(
                "stillframe-addresses:///%5B::1%5D:1,127.0.0.1:2",
                Addresses.target("[::1]:1 , 127.0.0.1:2"));
    }

    @Test
    void messagesMayHaveMoreThanGrpcsOwnBound() throws IOException {
        Payload large = new Payload(ByteString.copyFrom(new byte[8 * 1024 * 1024]), "binary/zero");
        Snapshot snapshot =
                Snapshot.builder(ExecutionState.RUNNING).variable("large", large).build();
        answers.answer(io.stillframe.v1.SaveSnapshotResponse.getDefaultInstance())
                .answer(
                        LoadSnapshotResponse.newBuilder()
                                .setSnapshot(
                                        ExecutionSnapshot.newBuilder()
                                                .putVariables("large", large.message()))
                                .build());
        String target = "127.0.0.1:" + start();
        try (Client client = client(target).build()) {
            client.save("run-1", snapshot);
            assertEquals(large, client.load("run-1").variables().payload("large"));
        }
        try (Client client = client(target).maxMessageBytes(1024 * 1024).build()) {
            assertThrows(
                    SnapshotTooLargeException.class, () -> client.save("run-1", snapshot));
        }
    }

    @Test
    void detailsOfFourKibArrive() throws IOException {
        String long3000 = "x".repeat(3_000);
        answers.refuse(
                Errors.of(
                        Status.Code.INVALID_ARGUMENT,
                        Errors.info("INVALID_FIELD", Map.of("field", long3000, "more", long3000))));
        try (Client client = client("127.0.0.1:" + start()).build()) {
            InvalidArgumentException error =
                    assertThrows(InvalidFieldException.class, client::info);
            assertEquals(long3000, error.metadata().get("more"));
        }
    }

    @Test
    void tlsTrustsTheRootsThatItIsGiven(@TempDir Path folder)
            throws IOException, GeneralSecurityException, InterruptedException {
        KeyStore store = selfSigned(folder);
        KeyManagerFactory keys =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD.toCharArray());
        File roots = folder.resolve("roots.pem").toFile();
        Files.writeString(
                roots.toPath(),
                "-----BEGIN CERTIFICATE-----\n"
                        + Base64.getMimeEncoder()
                                .encodeToString(store.getCertificate("server").getEncoded())
                        + "\n-----END CERTIFICATE-----\n");
        int port =
                start(
                        0,
                        TlsServerCredentials.newBuilder()
                                .keyManager(keys.getKeyManagers())
                                .build());
        answers.answer(INFO);
        try (Client client = client("localhost:" + port).tls(roots).build()) {
            assertEquals("memory", client.info().storeKind());
        }
        try (Client client =
                client("localhost:" + port).tls().retry(RetryPolicy.NONE).build()) {
            assertThrows(UnavailableException.class, client::info);
        }
        assertThrows(
                IOException.class, () -> client("x").tls(folder.resolve("missing").toFile()));
    }

    /** By the JDK's own tool: making certificates takes a library otherwise. */
    private static KeyStore selfSigned(Path folder)
            throws IOException, GeneralSecurityException, InterruptedException {
        Path file = folder.resolve("server.p12");
        String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        Process process =
                new ProcessBuilder(
                                keytool, "-genkeypair", "-alias", "server", "-keyalg", "EC",
                                "-dname", "CN=localhost", "-ext", "SAN=dns:localhost,ip:127.0.0.1",
                                "-storetype", "PKCS12", "-storepass", PASSWORD,
                                "-keystore", file.toString())
                        .inheritIO()
                        .start();
        assertEquals(0, process.waitFor());
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD.toCharArray());
        }
        return store;
    }
}
