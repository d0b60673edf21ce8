package io.stillframe.client;

import io.stillframe.v1.SnapshotCriteria;
import java.time.Instant;

/**
 * Bounds that select snapshots: inclusive, all must hold, and one that is not set is no bound; 0 is
 * a value. {@code Criteria.builder().sequenceMax(41).build()} reads "at or before sequence 41".
 * Immutable.
 */
public final class Criteria {
    private final SnapshotCriteria message;

    private Criteria(SnapshotCriteria message) {
        this.message = message;
    }

    /** Starts with no bound. */
    public static Builder builder() {
        return new Builder();
    }

    SnapshotCriteria message() {
        return message;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Criteria criteria && message.equals(criteria.message);
    }

    @Override
    public int hashCode() {
        return message.hashCode();
    }

    @Override
    public String toString() {
        return "Criteria{" + message + "}";
    }

    /** Makes criteria. */
    public static final class Builder {
        private final SnapshotCriteria.Builder message = SnapshotCriteria.newBuilder();

        private Builder() {}

        /** The lowest sequence number. */
        public Builder sequenceMin(long sequence) {
            message.setSequenceMin(sequence);
            return this;
        }

        /** The highest sequence number. */
        public Builder sequenceMax(long sequence) {
            message.setSequenceMax(sequence);
            return this;
        }

        /** The earliest timestamp (the engine's clock); one without a timestamp is not met. */
        public Builder timestampMin(Instant time) {
            message.setTimestampMin(Times.message(time));
            return this;
        }

        /** The latest timestamp (the engine's clock); one without a timestamp is not met. */
        public Builder timestampMax(Instant time) {
            message.setTimestampMax(Times.message(time));
            return this;
        }

        /** The earliest commit time (the store's clock). */
        public Builder commitTimeMin(Instant time) {
            message.setCommitTimeMin(Times.message(time));
            return this;
        }

        /** The latest commit time (the store's clock). */
        public Builder commitTimeMax(Instant time) {
            message.setCommitTimeMax(Times.message(time));
            return this;
        }

        /** Makes the criteria. */
        public Criteria build() {
            return new Criteria(message.build());
        }
    }
}
