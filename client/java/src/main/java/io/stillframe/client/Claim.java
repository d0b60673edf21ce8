package io.stillframe.client;

import io.stillframe.v1.ClaimExecutionResponse;
import java.util.Optional;

/**
 * The answer to a claim.
 *
 * @param writerEpoch the epoch that the caller's saves must carry from now on
 * @param snapshot the head at that moment; empty when there is none
 * @param freshness how the head compares with the event store's head; empty unless one was given
 */
public record Claim(
        long writerEpoch, Optional<StoredSnapshot> snapshot, Optional<Freshness> freshness) {
    static Claim of(ClaimExecutionResponse message, Codec codec) {
        Freshness freshness =
                message.hasFreshness() ? Freshness.of(message.getFreshness()) : null;
        StoredSnapshot snapshot =
                message.hasSnapshot()
                        ? StoredSnapshot.of(message.getSnapshot(), codec, freshness)
                        : null;
        return new Claim(
                message.getWriterEpoch(),
                Optional.ofNullable(snapshot),
                Optional.ofNullable(freshness));
    }
}
