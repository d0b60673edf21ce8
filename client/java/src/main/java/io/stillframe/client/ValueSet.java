package io.stillframe.client;

import io.stillframe.v1.SetValueResponse;
import java.time.Instant;
import java.util.Optional;

/**
 * The answer to the setting of a value: it is durable.
 *
 * @param etag names this value, as set by this call, for good
 * @param commitTime the store's clock at the commit
 * @param expireTime when its ttl is over; empty when it has none
 */
public record ValueSet(String etag, Instant commitTime, Optional<Instant> expireTime) {
    static ValueSet of(SetValueResponse message) {
        return new ValueSet(
                message.getEtag(),
                Times.instant(message.getCommitTime()),
                message.hasExpireTime()
                        ? Optional.of(Times.instant(message.getExpireTime()))
                        : Optional.empty());
    }
}
