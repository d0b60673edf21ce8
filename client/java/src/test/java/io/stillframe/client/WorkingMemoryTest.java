package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.stillframe.client.errors.EtagMismatchException;
import io.stillframe.client.errors.ValueExistsException;
import io.stillframe.client.errors.ValueNotFoundException;
import io.stillframe.client.errors.ValueTooLargeException;
import io.stillframe.v1.DeleteValueRequest;
import io.stillframe.v1.DeleteValueResponse;
import io.stillframe.v1.GetValueRequest;
import io.stillframe.v1.GetValueResponse;
import io.stillframe.v1.ListKeysRequest;
import io.stillframe.v1.ListKeysResponse;
import io.stillframe.v1.SetValueRequest;
import io.stillframe.v1.SetValueResponse;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WorkingMemoryTest {
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05.000000006Z");
    private static final ByteString VALUE = ByteString.copyFrom(new byte[] {0, (byte) 0xff});

    private FakeServer server;
    private Client client;

    @BeforeEach
    void open() throws IOException {
        server = new FakeServer();
        client = server.client().build();
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void aValueIsSetInTheScopeOfAnExecution() {
        server.answer(
                SetValueResponse.newBuilder()
                        .setEtag("e")
                        .setCommitTime(Times.message(TIME))
                        .setExpireTime(Times.message(TIME.plusSeconds(1)))
                        .build());
        ValueSet set =
                client.workingMemory("run-1")
                        .setValue(
                                "k",
                                VALUE,
                                options -> options.ttl(Duration.ofSeconds(1)).mustNotExist());
        assertEquals(new ValueSet("e", TIME, Optional.of(TIME.plusSeconds(1))), set);
        SetValueRequest request = server.request(SetValueRequest.class);
        assertEquals("acme", request.getTenantId());
        assertEquals("run-1", request.getExecutionId());
        assertEquals(VALUE, request.getValue());
        assertEquals(1, request.getTtl().getSeconds());
        assertTrue(request.getMustNotExist());
        assertEquals(32, request.getRequestId().length());
    }

    @Test
    void aTenantsOwnScopeNamesNoExecution() {
        server.answer(
                        GetValueResponse.newBuilder()
                                .setValue(VALUE)
                                .setEtag("e")
                                .setCommitTime(Times.message(TIME))
                                .build())
                .answer(DeleteValueResponse.newBuilder().setDeleted(true).build())
                .answer(DeleteValueResponse.getDefaultInstance());
        WorkingMemory memory = client.workingMemory();
        assertEquals(
                new StoredValue(VALUE, "e", TIME, Optional.empty()), memory.getValue("k"));
        assertFalse(server.request(GetValueRequest.class).hasExecutionId());
        assertTrue(memory.deleteValue("k", "e"));
        assertEquals("e", server.request(DeleteValueRequest.class).getExpectedEtag());
        assertFalse(memory.deleteValue("k"));
        assertFalse(server.request(DeleteValueRequest.class).hasExpectedEtag());
    }

    @Test
    void aRetriedDeleteKeepsTheEtagThatProtectsALaterValue() {
        server.refuse(Errors.of(Status.Code.UNAVAILABLE))
                .refuse(Errors.of(Status.Code.ABORTED, "ETAG_MISMATCH"));
        WorkingMemory memory = client.workingMemory();
        assertThrows(EtagMismatchException.class, () -> memory.deleteValue("k", "e"));
        assertEquals(2, server.requests.size());
        assertEquals(server.requests.get(0), server.requests.get(1));
        assertEquals("e", server.request(DeleteValueRequest.class).getExpectedEtag());
    }

    @Test
    void aValueLargerThanAMessageIsRefusedAsAValue() {
        try (Client small = server.client().maxMessageBytes(100).build()) {
            WorkingMemory memory = small.workingMemory();
            ByteString large = ByteString.copyFrom(new byte[100]);
            assertThrows(ValueTooLargeException.class, () -> memory.setValue("k", large));
        }
        assertTrue(server.requests.isEmpty());
    }

    @Test
    void keysAreListedOverAllPages() {
        for (String token : new String[] {"t", ""}) {
            ListKeysResponse.Builder page = ListKeysResponse.newBuilder().setNextPageToken(token);
            page.addKeysBuilder().setKey("k" + token).setSizeBytes(2);
            server.answer(page.build());
        }
        List<String> keys =
                client.workingMemory("run-1")
                        .listKeys(options -> options.keyPrefix("k").pageSize(1))
                        .stream()
                        .map(KeyInfo::key)
                        .toList();
        assertEquals(List.of("kt", "k"), keys);
        ListKeysRequest request = server.request(ListKeysRequest.class);
        assertEquals("t", request.getPageToken());
        assertEquals("k", request.getKeyPrefix());
        assertEquals(1, request.getPageSize());
    }

    @Test
    void refusalsAreTyped() {
        server.refuse(Errors.of(Status.Code.NOT_FOUND, "VALUE_NOT_FOUND"))
                .refuse(Errors.of(Status.Code.ALREADY_EXISTS, "VALUE_EXISTS"))
                .refuse(Errors.of(Status.Code.ABORTED, "ETAG_MISMATCH"));
        WorkingMemory memory = client.execution("run-1").workingMemory();
        assertThrows(ValueNotFoundException.class, () -> memory.getValue("k"));
        assertThrows(ValueExistsException.class, () -> memory.setValue("k", VALUE));
        assertThrows(EtagMismatchException.class, () -> memory.deleteValue("k", "e"));
    }
}
