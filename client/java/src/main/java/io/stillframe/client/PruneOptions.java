package io.stillframe.client;

import io.stillframe.v1.DeleteSnapshotsRequest;
import java.util.Collection;
import java.util.Map;

/**
 * Which snapshots of an execution go: those that all that is set here select. One of them, or
 * {@link #allHistory}, is required, and one that is empty is refused with InvalidFieldException,
 * because it would select everything.
 */
public final class PruneOptions {
    final DeleteSnapshotsRequest.Builder request = DeleteSnapshotsRequest.newBuilder();

    PruneOptions() {}

    /** The snapshots with these versions, at most 1,000. */
    public PruneOptions versions(Collection<Long> versions) {
        request.clearVersions().addAllVersions(Filter.refuseEmpty("versions", versions));
        return this;
    }

    /** The snapshots with these ids, at most 1,000. */
    public PruneOptions snapshotIds(Collection<String> snapshotIds) {
        request.clearSnapshotIds()
                .addAllSnapshotIds(Filter.refuseEmpty("snapshot_ids", snapshotIds));
        return this;
    }

    /** The snapshots that meet these bounds. */
    public PruneOptions criteria(Criteria criteria) {
        request.setCriteria(criteria.message());
        return this;
    }

    /** The snapshots that have every one of these labels. */
    public PruneOptions labels(Map<String, String> labels) {
        Filter.refuseEmpty("labels", labels.keySet());
        request.putAllLabels(labels);
        return this;
    }

    /** Every snapshot but the head. Contradicts the others. */
    public PruneOptions allHistory() {
        request.setAllHistory(true);
        return this;
    }

    /** As in {@link SaveOptions#writerEpoch}. */
    public PruneOptions writerEpoch(long writerEpoch) {
        request.setWriterEpoch(writerEpoch);
        return this;
    }

    /** As in {@link SaveOptions#requestId}. */
    public PruneOptions requestId(String requestId) {
        request.setRequestId(requestId);
        return this;
    }
}
