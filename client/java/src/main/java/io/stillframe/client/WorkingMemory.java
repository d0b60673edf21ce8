package io.stillframe.client;

import com.google.protobuf.ByteString;
import io.stillframe.v1.DeleteValueRequest;
import io.stillframe.v1.GetValueRequest;
import io.stillframe.v1.ListKeysRequest;
import io.stillframe.v1.ListKeysResponse;
import io.stillframe.v1.WorkingMemoryServiceGrpc;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The working memory of one scope, an execution's or the tenant's own: small values that an engine
 * keeps beside its snapshots. A value has no history, and no watch sees it. Those of an execution go
 * with it; it need not exist for values to be set.
 */
public final class WorkingMemory {
    private final Calls calls;
    private final String executionId;

    /** {@code executionId} is null for the tenant's own scope. */
    WorkingMemory(Calls calls, String executionId) {
        this.calls = calls;
        this.executionId = executionId;
    }

    /** The execution whose scope this is; empty for the tenant's own. */
    public Optional<String> executionId() {
        return Optional.ofNullable(executionId);
    }

    /** Sets a value, in place of the one that has the key, and returns once that is durable. */
    public ValueSet setValue(String key, ByteString value) {
        return setValue(key, value, options -> {});
    }

    /**
     * Sets a value, in place of the one that has the key, and returns once that is durable. What the
     * value had before, its ttl too, is gone.
     *
     * @throws io.stillframe.client.errors.EtagMismatchException by an expected etag
     * @throws io.stillframe.client.errors.ValueExistsException by mustNotExist
     * @throws io.stillframe.client.errors.ValueTooLargeException for more than the server's limit,
     *     or than the client's maxMessageBytes
     */
    public ValueSet setValue(String key, ByteString value, Consumer<SetValueOptions> options) {
        SetValueOptions chosen = new SetValueOptions();
        options.accept(chosen);
        chosen.request
                .setTenantId(calls.tenant())
                .setKey(key)
                .setValue(value)
                .setRequestId(Calls.requestId(chosen.request.getRequestId()));
        executionId().ifPresent(chosen.request::setExecutionId);
        return ValueSet.of(
                calls.unary(WorkingMemoryServiceGrpc.getSetValueMethod(), chosen.request.build()));
    }

    /**
     * Gets a value.
     *
     * @throws io.stillframe.client.errors.ValueNotFoundException if there is none, also once its ttl
     *     is over
     */
    public StoredValue getValue(String key) {
        GetValueRequest.Builder request =
                GetValueRequest.newBuilder().setTenantId(calls.tenant()).setKey(key);
        executionId().ifPresent(request::setExecutionId);
        return StoredValue.of(
                calls.unary(WorkingMemoryServiceGrpc.getGetValueMethod(), request.build()));
    }

    /**
     * Deletes a value, and returns, once that is durable, whether there was one.
     *
     * <p>The call carries no request id: where a try took effect and its answer was lost, the next
     * one also deletes a value that somebody else has set since; or it finds none, and false is
     * returned. An expected etag makes the first impossible.
     */
    public boolean deleteValue(String key) {
        return delete(DeleteValueRequest.newBuilder().setKey(key));
    }

    /**
     * Deletes a value if it has this etag, and returns whether there was one: false as well when an
     * earlier try of this call, whose answer was lost, has deleted it. Another value that was set
     * since stays, and is refused.
     *
     * @throws io.stillframe.client.errors.EtagMismatchException if there is one with another etag
     */
    public boolean deleteValue(String key, String expectedEtag) {
        return delete(DeleteValueRequest.newBuilder().setKey(key).setExpectedEtag(expectedEtag));
    }

    private boolean delete(DeleteValueRequest.Builder request) {
        request.setTenantId(calls.tenant());
        executionId().ifPresent(request::setExecutionId);
        return calls.unary(WorkingMemoryServiceGrpc.getDeleteValueMethod(), request.build())
                .getDeleted();
    }

    /** The keys of this scope, in order of their bytes. */
    public Listing<KeyInfo> listKeys() {
        return listKeys(options -> {});
    }

    /** The keys of this scope that the options select, in order of their bytes. */
    public Listing<KeyInfo> listKeys(Consumer<ListKeysOptions> options) {
        return new Listing<>(token -> listKeysPage(token, options));
    }

    /**
     * One page of {@link #listKeys}. {@code pageToken}: the token that the page before gave, with
     * the same options; empty for the first.
     */
    public Page<KeyInfo> listKeysPage(String pageToken, Consumer<ListKeysOptions> options) {
        ListKeysOptions chosen = new ListKeysOptions();
        options.accept(chosen);
        ListKeysRequest.Builder request =
                chosen.request.setTenantId(calls.tenant()).setPageToken(pageToken);
        executionId().ifPresent(request::setExecutionId);
        ListKeysResponse page =
                calls.unary(WorkingMemoryServiceGrpc.getListKeysMethod(), request.build());
        return new Page<>(
                page.getKeysList().stream().map(KeyInfo::of).toList(),
                page.getNextPageToken(),
                Optional.empty());
    }
}
