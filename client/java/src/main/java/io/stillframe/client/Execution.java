package io.stillframe.client;

import io.stillframe.v1.SaveSnapshotRequest;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * One execution, as one engine sees it.
 *
 * <p>A save sends what changed since the last save, load or claim of this handle, if that is less
 * than the whole. If somebody else has written in between, it throws DeltaBaseMismatchException or
 * EtagMismatchException (ExecutionNotFoundException after a delete), until a load or claim; a handle
 * that overwrites saves the whole snapshot over it instead. Before anything is known of the
 * execution, a save replaces whatever is there.
 *
 * <p>After an error that leaves open whether a save took effect (UnavailableException,
 * DeadlineExceededException), the next save first repeats it under its own request id.
 *
 * <p>Usable from many threads; saves go one at a time.
 */
public final class Execution {
    /** What every view of a handle shares. */
    private static final class State {
        final ReentrantLock lock = new ReentrantLock();
        final Tracker tracker;
        volatile OptionalLong writerEpoch;

        State(Tracker tracker, OptionalLong writerEpoch) {
            this.tracker = tracker;
            this.writerEpoch = writerEpoch;
        }
    }

    private final Client client;
    private final String executionId;
    private final State state;

    Execution(Client client, String executionId, HandleOptions options) {
        this(client, executionId, new State(new Tracker(options.overwrite), options.writerEpoch));
    }

    private Execution(Client client, String executionId, State state) {
        this.client = client;
        this.executionId = executionId;
        this.state = state;
    }

    /** The execution. */
    public String executionId() {
        return executionId;
    }

    /** What goes with every save; a claim sets it. */
    public OptionalLong writerEpoch() {
        return state.writerEpoch;
    }

    /** This same handle, with another timeout for the calls made through what is returned. */
    public Execution withTimeout(Duration timeout) {
        return new Execution(client.withTimeout(timeout), executionId, state);
    }

    /** Saves a snapshot, as a delta if that is smaller. As {@link Client#save}. */
    public Saved save(Snapshot snapshot) {
        return save(snapshot, options -> {});
    }

    /** Saves a snapshot, as a delta if that is smaller. As {@link Client#save}. */
    public Saved save(Snapshot snapshot, Consumer<SaveOptions> options) {
        return saveEncoded(encode(snapshot), options(options), client.calls().timeout());
    }

    /** A copy of the snapshot, ready to be sent. For savers. */
    EncodedSnapshot encode(Snapshot snapshot) {
        return EncodedSnapshot.of(snapshot, client.calls().codec());
    }

    static SaveSnapshotRequest options(Consumer<SaveOptions> options) {
        SaveOptions chosen = new SaveOptions();
        options.accept(chosen);
        return chosen.request.build();
    }

    /** Saves what {@link #encode} gave. For savers. */
    Saved saveEncoded(EncodedSnapshot snapshot, SaveSnapshotRequest options, Duration timeout) {
        return locked(
                () -> {
                    SaveSnapshotRequest.Builder request =
                            options.toBuilder()
                                    .setTenantId(client.tenant())
                                    .setExecutionId(executionId)
                                    .clearWriterEpoch();
                    state.writerEpoch.ifPresent(request::setWriterEpoch);
                    return state.tracker.save(
                            snapshot, request.build(), each -> client.save(each, timeout));
                });
    }

    /** Loads the head, which is what the next save is worked out against. */
    public StoredSnapshot load() {
        return load(options -> {});
    }

    /**
     * Loads a snapshot, as {@link Client#load}. The head, loaded whole, is what the next save is
     * worked out against.
     */
    public StoredSnapshot load(Consumer<LoadOptions> options) {
        LoadOptions chosen = new LoadOptions();
        options.accept(chosen);
        return locked(
                () -> {
                    StoredSnapshot snapshot = client.load(executionId, chosen);
                    if (chosen.isHead()) {
                        state.tracker.know(Optional.of(snapshot));
                    }
                    return snapshot;
                });
    }

    /** Takes over the execution, which must exist. */
    public Claim claim() {
        return claim(options -> {});
    }

    /**
     * Takes over the execution, as {@link Client#claim}. The epoch goes with every save from now on;
     * the head, if it came whole, is what the next save is worked out against.
     */
    public Claim claim(Consumer<ClaimOptions> options) {
        return locked(
                () -> {
                    Claim claim = client.claim(executionId, options);
                    state.writerEpoch = OptionalLong.of(claim.writerEpoch());
                    state.tracker.know(claim.snapshot());
                    return claim;
                });
    }

    /** Deletes the execution. The next save makes it anew. */
    public Deleted delete() {
        return delete(options -> {});
    }

    /** Deletes the execution, as {@link Client#delete}. The next save makes it anew. */
    public Deleted delete(Consumer<DeleteOptions> options) {
        return locked(
                () -> {
                    Deleted deleted = client.delete(executionId, withEpoch(options));
                    state.tracker.forget();
                    return deleted;
                });
    }

    /** The execution's snapshots, newest first, as {@link Client#history}. */
    public Listing<StoredSnapshot> history(Consumer<HistoryOptions> options) {
        return client.history(executionId, options);
    }

    /** Compares two snapshots of the execution, as {@link Client#diff}. */
    public Diff diff(Selector from, Selector to) {
        return client.diff(executionId, from, to);
    }

    /** Creates another execution from a snapshot of this one; this handle stays with this one. */
    public Forked fork(String newExecutionId, Consumer<ForkOptions> options) {
        return client.fork(executionId, newExecutionId, options);
    }

    /**
     * Deletes history of the execution, as {@link Client#prune}. The next save is worked out as if
     * nothing had happened.
     */
    public long prune(Consumer<PruneOptions> options) {
        return client.prune(
                executionId,
                chosen -> {
                    state.writerEpoch.ifPresent(chosen::writerEpoch);
                    options.accept(chosen);
                });
    }

    /** The values of the working memory that are kept for the execution. */
    public WorkingMemory workingMemory() {
        return client.workingMemory(executionId);
    }

    private Consumer<DeleteOptions> withEpoch(Consumer<DeleteOptions> options) {
        return chosen -> {
            state.writerEpoch.ifPresent(chosen::writerEpoch);
            options.accept(chosen);
        };
    }

    private <T> T locked(Supplier<T> work) {
        state.lock.lock();
        try {
            return work.get();
        } finally {
            state.lock.unlock();
        }
    }
}
