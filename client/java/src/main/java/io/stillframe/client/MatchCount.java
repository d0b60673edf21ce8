package io.stillframe.client;

/**
 * A count that is exact up to 10,000.
 *
 * @param value the count
 * @param atLeast there may be more than {@code value}
 */
public record MatchCount(long value, boolean atLeast) {
    static MatchCount of(io.stillframe.v1.MatchCount message) {
        return new MatchCount(message.getValue(), message.getAtLeast());
    }
}
