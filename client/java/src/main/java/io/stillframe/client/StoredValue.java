package io.stillframe.client;

import com.google.protobuf.ByteString;
import io.stillframe.v1.GetValueResponse;
import java.time.Instant;
import java.util.Optional;

/**
 * A value of the working memory.
 *
 * @param value its bytes
 * @param etag the etag that its setting gave
 * @param commitTime the store's clock when it was set
 * @param expireTime when its ttl is over; empty when it has none
 */
public record StoredValue(
        ByteString value, String etag, Instant commitTime, Optional<Instant> expireTime) {
    static StoredValue of(GetValueResponse message) {
        return new StoredValue(
                message.getValue(),
                message.getEtag(),
                Times.instant(message.getCommitTime()),
                message.hasExpireTime()
                        ? Optional.of(Times.instant(message.getExpireTime()))
                        : Optional.empty());
    }
}
