package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.stillframe.client.errors.AbortedException;
import io.stillframe.client.errors.ClosedException;
import io.stillframe.client.errors.EtagMismatchException;
import io.stillframe.client.errors.FieldViolation;
import io.stillframe.client.errors.InvalidFieldException;
import io.stillframe.client.errors.ServerBusyException;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.client.errors.UnavailableException;
import io.stillframe.client.errors.UnknownException;
import io.stillframe.v1.ErrorReason;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class StatusesTest {
    static Stream<String> reasons() {
        return Stream.of(ErrorReason.values())
                .filter(each -> each != ErrorReason.UNRECOGNIZED && each.getNumber() != 0)
                .map(each -> each.name().replace("ERROR_REASON_", ""));
    }

    @ParameterizedTest
    @MethodSource("reasons")
    void everyReasonOfTheContractHasItsClass(String reason) {
        StillframeException error =
                Statuses.error(Errors.of(Status.Code.FAILED_PRECONDITION, reason));
        String name = error.getClass().getSimpleName().replace("Exception", "");
        assertEquals(reason.replace("_", "").toLowerCase(), name.toLowerCase());
        assertEquals(reason, error.reason());
    }

    @ParameterizedTest
    @EnumSource(value = Status.Code.class, names = "OK", mode = EnumSource.Mode.EXCLUDE)
    void everyCodeHasItsClass(Status.Code code) {
        StillframeException error = Statuses.error(Errors.of(code));
        assertEquals(code, error.code());
        assertEquals("", error.reason());
        assertSame(StillframeException.class, error.getClass().getSuperclass());
        assertEquals("it failed", error.getMessage());
    }

    @Test
    void aReasonThatIsNotKnownHasTheClassOfItsCodeAndKeepsItsText() {
        StillframeException error = Statuses.error(Errors.of(Status.Code.ABORTED, "NEW_REASON"));
        assertSame(AbortedException.class, error.getClass());
        assertEquals("NEW_REASON", error.reason());
    }

    @Test
    void anErrorHasAllThatItsDetailsSay() {
        StillframeException error =
                Statuses.error(
                        Errors.of(
                                Status.Code.INVALID_ARGUMENT,
                                Errors.info("INVALID_FIELD", Map.of("field", "snapshot.state")),
                                BadRequest.newBuilder()
                                        .addFieldViolations(
                                                BadRequest.FieldViolation.newBuilder()
                                                        .setField("snapshot.state")
                                                        .setDescription("is required"))
                                        .build()));
        assertInstanceOf(InvalidFieldException.class, error);
        assertEquals(Map.of("field", "snapshot.state"), error.metadata());
        assertEquals(
                List.of(new FieldViolation("snapshot.state", "is required")), error.violations());
        assertEquals(Optional.empty(), error.retryAfter());
        assertEquals("it failed", error.getMessage());
        assertEquals(
                "io.stillframe.client.errors.InvalidFieldException [INVALID_FIELD]: it failed",
                error.toString());
    }

    @Test
    void anErrorSaysWhenToTryAgain() {
        StillframeException error =
                Statuses.error(
                        Errors.of(
                                Status.Code.RESOURCE_EXHAUSTED,
                                "SERVER_BUSY",
                                Duration.ofMillis(1500)));
        assertInstanceOf(ServerBusyException.class, error);
        assertEquals(Optional.of(Duration.ofMillis(1500)), error.retryAfter());
    }

    @Test
    void aBrokenConnectionSaysWhatItWas() {
        IOException refused = new IOException("Connection refused");
        Status status = Status.UNAVAILABLE.withDescription("io exception").withCause(refused);
        StillframeException error = Statuses.error(status, null);
        assertEquals("io exception: Connection refused", error.getMessage());
        assertSame(refused, error.getCause());
    }

    @Test
    void anotherDomainsReasonsAreNotOurs() {
        ErrorInfo info =
                ErrorInfo.newBuilder().setDomain("mesh.example").setReason("FENCED").build();
        StillframeException error = Statuses.error(Errors.of(Status.Code.UNAVAILABLE, info));
        assertSame(UnavailableException.class, error.getClass());
        assertEquals("", error.reason());
    }

    @Test
    void detailsThatCannotBeReadDoNotHideTheStatus() {
        Metadata trailers = new Metadata();
        trailers.put(Statuses.DETAILS, new byte[] {(byte) 0xff, 1, 2});
        StillframeException error = Statuses.error(Status.UNAVAILABLE, trailers);
        assertSame(UnavailableException.class, error.getClass());
        assertSame(UnknownException.class, Statuses.error(Status.UNKNOWN, null).getClass());
    }

    @ParameterizedTest
    @MethodSource("reasons")
    void anErrorIsTheSameAnew(String reason) {
        StillframeException error = Statuses.error(Errors.of(Status.Code.ABORTED, reason));
        StillframeException again = Statuses.again(error);
        assertSame(error.getClass(), again.getClass());
        assertEquals(error.details(), again.details());
        assertSame(error, again.getCause());
        StillframeException closed = new ClosedException("closed");
        assertSame(ClosedException.class, Statuses.again(closed).getClass());
    }

    @Test
    void anErrorSurvivesSerialization() throws IOException, ClassNotFoundException {
        StillframeException error =
                Statuses.error(
                        Errors.of(
                                Status.Code.ABORTED,
                                Errors.info("ETAG_MISMATCH", Map.of("head_etag", "e"))));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(error);
        }
        try (ObjectInputStream in =
                new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            EtagMismatchException again = (EtagMismatchException) in.readObject();
            assertEquals(Map.of("head_etag", "e"), again.metadata());
        }
    }
}
