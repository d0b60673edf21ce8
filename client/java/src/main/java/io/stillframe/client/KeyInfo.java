package io.stillframe.client;

import java.time.Instant;
import java.util.Optional;

/**
 * A key of the working memory, and what is known of its value.
 *
 * @param key the key
 * @param etag the value's etag
 * @param sizeBytes the bytes of the value
 * @param commitTime the store's clock when it was set
 * @param expireTime when its ttl is over; empty when it has none
 */
public record KeyInfo(
        String key, String etag, long sizeBytes, Instant commitTime, Optional<Instant> expireTime) {
    static KeyInfo of(io.stillframe.v1.KeyInfo message) {
        return new KeyInfo(
                message.getKey(),
                message.getEtag(),
                message.getSizeBytes(),
                Times.instant(message.getCommitTime()),
                message.hasExpireTime()
                        ? Optional.of(Times.instant(message.getExpireTime()))
                        : Optional.empty());
    }
}
