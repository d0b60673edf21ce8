package io.stillframe.client;

import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * All pages of a list, one after another, each fetched when it is come to. Every iteration begins
 * anew; it throws a {@link io.stillframe.client.errors.StillframeException} where a page cannot be
 * had.
 *
 * @param <T> what is listed
 */
public final class Listing<T> implements Iterable<T> {
    private final Function<String, Page<T>> fetch;

    Listing(Function<String, Page<T>> fetch) {
        this.fetch = fetch;
    }

    /** The list as a stream, as lazy as the iteration. */
    public Stream<T> stream() {
        return StreamSupport.stream(spliterator(), false);
    }

    @Override
    public Iterator<T> iterator() {
        return new Pages();
    }

    private final class Pages implements Iterator<T> {
        private Iterator<T> items = Collections.emptyIterator();
        private String token = "";
        private boolean last;

        @Override
        public boolean hasNext() {
            while (!items.hasNext() && !last) {
                Page<T> page = fetch.apply(token);
                items = page.items().iterator();
                token = page.nextPageToken();
                last = page.isLast();
            }
            return items.hasNext();
        }

        @Override
        public T next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return items.next();
        }
    }
}
