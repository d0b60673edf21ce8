package io.stillframe.client;

import io.stillframe.v1.ListSnapshotsRequest;
import io.stillframe.v1.SnapshotView;
import java.util.Map;

/** What a history is told. */
public final class HistoryOptions {
    final ListSnapshotsRequest.Builder request =
            ListSnapshotsRequest.newBuilder().setView(SnapshotView.SNAPSHOT_VIEW_METADATA);

    HistoryOptions() {}

    /** Which executions, by their heads; not set, all. */
    public HistoryOptions filter(Filter filter) {
        request.setFilter(filter.message());
        return this;
    }

    /** The snapshots that meet these bounds. */
    public HistoryOptions criteria(Criteria criteria) {
        request.setCriteria(criteria.message());
        return this;
    }

    /** The snapshots that have every one of these labels. */
    public HistoryOptions labels(Map<String, String> labels) {
        request.putAllLabels(labels);
        return this;
    }

    /** As in {@link ListOptions#full}. */
    public HistoryOptions full() {
        request.setView(SnapshotView.SNAPSHOT_VIEW_FULL);
        return this;
    }

    /** With these entries. Needs {@link #full}. */
    public HistoryOptions projection(Projection projection) {
        request.setProjection(projection.message());
        return this;
    }

    /** Snapshots in a page; 0 is 100, and more than 1,000 is 1,000. */
    public HistoryOptions pageSize(int pageSize) {
        request.setPageSize(pageSize);
        return this;
    }
}
