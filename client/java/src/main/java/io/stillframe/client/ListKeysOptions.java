package io.stillframe.client;

import io.stillframe.v1.ListKeysRequest;

/** What a list of keys is told. */
public final class ListKeysOptions {
    final ListKeysRequest.Builder request = ListKeysRequest.newBuilder();

    ListKeysOptions() {}

    /** The keys that start with this. */
    public ListKeysOptions keyPrefix(String prefix) {
        request.setKeyPrefix(prefix);
        return this;
    }

    /** Keys in a page; 0 is 100, and more than 1,000 is 1,000. */
    public ListKeysOptions pageSize(int pageSize) {
        request.setPageSize(pageSize);
        return this;
    }
}
