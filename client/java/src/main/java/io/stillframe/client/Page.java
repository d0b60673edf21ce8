package io.stillframe.client;

import java.util.List;
import java.util.Optional;

/**
 * One page of a list. It may be empty without being the last.
 *
 * @param <T> what is listed
 * @param items what the page has
 * @param nextPageToken names the next page; empty on the last
 * @param count how many there are in all; empty unless it was asked for
 */
public record Page<T>(List<T> items, String nextPageToken, Optional<MatchCount> count) {
    /** Whether there is no page after this one. */
    public boolean isLast() {
        return nextPageToken.isEmpty();
    }
}
