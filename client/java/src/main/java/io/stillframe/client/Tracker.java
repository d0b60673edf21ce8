package io.stillframe.client;

import io.stillframe.client.errors.DeltaBaseMismatchException;
import io.stillframe.client.errors.EtagMismatchException;
import io.stillframe.client.errors.ExecutionNotFoundException;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.v1.SaveSnapshotRequest;
import io.stillframe.v1.SnapshotDelta;
import java.util.Optional;
import java.util.function.Function;

/**
 * What one handle knows of one execution's head (no I/O): from its own saves and loads the etag,
 * and a digest of every entry, not the entries. A save then is
 *
 * <ul>
 *   <li>a delta against that etag, if that is less to send than the whole;
 *   <li>otherwise the whole, with that etag as the expected one, so that it cannot overwrite what
 *       somebody else wrote in between;
 *   <li>the whole without any expectation, if nothing is known of the head.
 * </ul>
 *
 * <p>A refusal because somebody else has written (DELTA_BASE_MISMATCH, ETAG_MISMATCH; or
 * EXECUTION_NOT_FOUND, because the execution was deleted) is the caller's to see, unless it chose
 * to overwrite: then the whole is sent without expectation.
 *
 * <p>When no answer came, nobody knows whether the save took effect. The next save first settles
 * that, by sending the same request again under the same request id: where it took effect the
 * server gives its first answer, where it did not it takes effect now, in its right place before
 * the next. The old etag in it keeps even a request id that the server has forgotten from
 * overwriting somebody else's save.
 *
 * <p>Not safe to use from many threads.
 */
final class Tracker {
    private record Base(String etag, Known known) {}

    /** A save without an answer, and what the head is if it took effect. */
    private record Unsettled(SaveSnapshotRequest request, Known known) {}

    private final boolean overwrite;
    private Base base;
    private Unsettled unsettled;

    Tracker(boolean overwrite) {
        this.overwrite = overwrite;
    }

    /** Nothing is known of the head any more, and nothing is owed. */
    void forget() {
        base = null;
        unsettled = null;
    }

    /** The head was read. One that leaves something out is no base for a delta. */
    void know(Optional<StoredSnapshot> head) {
        forget();
        head.filter(each -> !each.isPartial())
                .ifPresent(
                        each ->
                                base =
                                        new Base(
                                                each.etag(),
                                                Known.of(
                                                        each.stepOutputMessages(),
                                                        each.variableMessages())));
    }

    /**
     * Saves a snapshot. {@code options} is a request without content; {@code send} makes a call,
     * with retries.
     */
    Saved save(
            EncodedSnapshot snapshot,
            SaveSnapshotRequest options,
            Function<SaveSnapshotRequest, Saved> send) {
        settle(send);
        Known known = Known.of(snapshot.stepOutputs(), snapshot.variables());
        try {
            return send(new Unsettled(request(snapshot, known, options), known), send);
        } catch (DeltaBaseMismatchException
                | EtagMismatchException
                | ExecutionNotFoundException error) {
            if (!overwrite || options.hasExpectedEtag()) {
                throw error;
            }
        }
        // Another body needs another request id.
        SaveSnapshotRequest whole =
                options.toBuilder()
                        .setRequestId(RequestIds.next())
                        .setSnapshot(snapshot.message())
                        .build();
        return send(new Unsettled(whole, known), send);
    }

    private void settle(Function<SaveSnapshotRequest, Saved> send) {
        if (unsettled == null) {
            return;
        }
        try {
            send(unsettled, send);
        } catch (StillframeException error) {
            // Without an answer again, it is still owed. Refused, it never took effect, and the
            // snapshot that comes now will meet the same refusal if it stands for it too.
            if (unsettled != null) {
                throw error;
            }
        }
    }

    private Saved send(Unsettled save, Function<SaveSnapshotRequest, Saved> send) {
        // Owed until it is answered: also when the call is abandoned by an error of another kind.
        unsettled = save;
        Saved saved;
        try {
            saved = send.apply(save.request());
        } catch (StillframeException error) {
            if (!Attempts.isAbsence(error)) {
                unsettled = null;
            }
            throw error;
        }
        unsettled = null;
        base = new Base(saved.etag(), save.known());
        return saved;
    }

    private SaveSnapshotRequest request(
            EncodedSnapshot snapshot, Known known, SaveSnapshotRequest options) {
        // Not to be changed by a repeat: a request id goes with one body.
        SaveSnapshotRequest.Builder request =
                options.toBuilder().setRequestId(Calls.requestId(options.getRequestId()));
        // mustNotExist contradicts a base, and the caller knows better.
        if (base == null || options.getMustNotExist()) {
            return request.setSnapshot(snapshot.message()).build();
        }
        Difference difference = Difference.between(base.known(), known, snapshot);
        if (difference.isSmaller()) {
            SnapshotDelta.Builder delta = difference.delta().setBaseEtag(base.etag());
            return request.setDelta(delta).build();
        }
        if (!options.hasExpectedEtag() && !overwrite) {
            request.setExpectedEtag(base.etag());
        }
        return request.setSnapshot(snapshot.message()).build();
    }
}
