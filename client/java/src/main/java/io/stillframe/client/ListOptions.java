package io.stillframe.client;

import io.stillframe.v1.ListExecutionsRequest;
import io.stillframe.v1.SnapshotView;

/** What a list of executions is told. */
public final class ListOptions {
    final ListExecutionsRequest.Builder request =
            ListExecutionsRequest.newBuilder().setView(SnapshotView.SNAPSHOT_VIEW_METADATA);

    ListOptions() {}

    /** Which executions; not set, all of the tenant. */
    public ListOptions filter(Filter filter) {
        request.setFilter(filter.message());
        return this;
    }

    /** With every entry; not set, the header, and an omission that counts the entries. */
    public ListOptions full() {
        request.setView(SnapshotView.SNAPSHOT_VIEW_FULL);
        return this;
    }

    /** With these entries. Needs {@link #full}. */
    public ListOptions projection(Projection projection) {
        request.setProjection(projection.message());
        return this;
    }

    /** Executions in a page; 0 is 100, and more than 1,000 is 1,000. */
    public ListOptions pageSize(int pageSize) {
        request.setPageSize(pageSize);
        return this;
    }

    /** Count in each page what the filter matches, exactly up to 10,000. */
    public ListOptions includeCount() {
        request.setIncludeCount(true);
        return this;
    }
}
