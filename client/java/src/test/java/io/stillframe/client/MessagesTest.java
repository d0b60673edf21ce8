package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.stillframe.client.errors.InvalidFieldException;
import io.stillframe.client.errors.SnapshotTooLargeException;
import io.stillframe.client.errors.ValueTooLargeException;
import io.stillframe.v1.ExecutionFilter;
import io.stillframe.v1.ListExecutionsRequest;
import io.stillframe.v1.SaveSnapshotRequest;
import io.stillframe.v1.SetValueRequest;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MessagesTest {
    private static void refused(String field, Message request) {
        InvalidFieldException error =
                assertThrows(
                        InvalidFieldException.class,
                        () -> Messages.check(request, Integer.MAX_VALUE));
        assertEquals("INVALID_FIELD", error.reason());
        assertEquals(field, error.violations().get(0).field());
    }

    @Test
    void textThatIsNotUnicodeIsRefusedWhereverItStands() {
        refused("execution_id", SaveSnapshotRequest.newBuilder().setExecutionId("\uD800").build());
        refused(
                "filter.execution_ids",
                ListExecutionsRequest.newBuilder()
                        .setFilter(ExecutionFilter.newBuilder().addExecutionIds("a\uDC00"))
                        .build());
        refused(
                "filter.labels.value",
                ListExecutionsRequest.newBuilder()
                        .setFilter(ExecutionFilter.newBuilder().putLabels("a", "\uDC00\uD800"))
                        .build());
    }

    @Test
    void pairsOfSurrogatesAreText() {
        assertTrue(Messages.isUnicode("a \uD83D\uDE00"));
        assertTrue(Messages.isUnicode(""));
        assertFalse(Messages.isUnicode("\uD83D"));
        assertFalse(Messages.isUnicode("\uD83D\uD83D\uDE00"));
        assertFalse(Messages.isUnicode("\uDE00\uD83D"));
    }

    @Test
    void aNegativeNumberIsRefused() {
        refused("page_size", ListExecutionsRequest.newBuilder().setPageSize(-1).build());
        refused("writer_epoch", SaveSnapshotRequest.newBuilder().setWriterEpoch(-1).build());
    }

    @Test
    void entriesAreCheckedWhereTheyAreEncoded() {
        JsonCodec codec = new JsonCodec();
        Snapshot.Builder base = Snapshot.builder(ExecutionState.RUNNING);
        for (Snapshot each :
                new Snapshot[] {
                    base.build().toBuilder().variable("\uD800", 1).build(),
                    base.build().toBuilder().userId("\uD800").build(),
                    base.build().toBuilder().label("\uD800", "").build(),
                    base.build().toBuilder().sequenceNumber(-1).build()
                }) {
            assertThrows(
                    InvalidFieldException.class, () -> EncodedSnapshot.of(each, codec));
        }
    }

    @Test
    void aRequestThatIsTooLargeIsRefusedWithItsSize() {
        SaveSnapshotRequest request =
                SaveSnapshotRequest.newBuilder().setExecutionId("x".repeat(98)).build();
        Messages.check(request, 100);
        SnapshotTooLargeException error =
                assertThrows(SnapshotTooLargeException.class, () -> Messages.check(request, 99));
        assertEquals("SNAPSHOT_TOO_LARGE", error.reason());
        assertEquals(
                Map.of("limit", "max_message_bytes", "maximum", "99", "actual", "100"),
                error.metadata());
    }

    @Test
    void aValueThatIsTooLargeIsRefusedAsOne() {
        SetValueRequest request =
                SetValueRequest.newBuilder().setValue(ByteString.copyFrom(new byte[98])).build();
        Messages.check(request, 100);
        ValueTooLargeException error =
                assertThrows(ValueTooLargeException.class, () -> Messages.check(request, 99));
        assertEquals("VALUE_TOO_LARGE", error.reason());
        assertEquals(
                Map.of("limit", "max_message_bytes", "maximum", "99", "actual", "100"),
                error.metadata());
    }

    @Test
    void aNegativeDurationIsRefused() {
        assertThrows(
                InvalidFieldException.class, () -> Times.message("ttl", Duration.ofNanos(-1)));
        assertEquals(5, Times.message("ttl", Duration.ofNanos(5)).getNanos());
    }
}
