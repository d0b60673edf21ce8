package io.stillframe.client;

import com.google.protobuf.ByteString;
import io.stillframe.v1.SnapshotDelta;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a snapshot has to set and to remove against what is known of another. */
record Difference(EncodedSnapshot snapshot, Changes stepOutputs, Changes variables) {

    /** {@code now} is what is known of {@code snapshot}. */
    static Difference between(Known base, Known now, EncodedSnapshot snapshot) {
        return new Difference(
                snapshot,
                Changes.between(base.stepOutputs(), now.stepOutputs(), snapshot.stepOutputs()),
                Changes.between(base.variables(), now.variables(), snapshot.variables()));
    }

    /** Whether it is less to send than the whole. */
    boolean isSmaller() {
        long whole = size(snapshot.stepOutputs()) + size(snapshot.variables());
        return stepOutputs.size() + variables.size() < whole;
    }

    /** The delta, which still lacks its base. */
    SnapshotDelta.Builder delta() {
        return SnapshotDelta.newBuilder()
                .setSnapshot(snapshot.with(stepOutputs.set(), variables.set()))
                .addAllRemovedStepOutputs(stepOutputs.removed())
                .addAllRemovedVariables(variables.removed());
    }

    /** What a map has to set and to remove, and about how many bytes that is to send. */
    record Changes(Map<String, io.stillframe.v1.Payload> set, List<String> removed, long size) {

        static Changes between(
                Map<String, ByteString> base,
                Map<String, ByteString> now,
                Map<String, io.stillframe.v1.Payload> payloads) {
            Map<String, io.stillframe.v1.Payload> set = new LinkedHashMap<>();
            payloads.forEach(
                    (key, payload) -> {
                        if (!now.get(key).equals(base.get(key))) {
                            set.put(key, payload);
                        }
                    });
            List<String> removed =
                    base.keySet().stream().filter(key -> !now.containsKey(key)).sorted().toList();
            long removal = removed.stream().mapToLong(String::length).sum();
            return new Changes(set, removed, Difference.size(set) + removal);
        }
    }

    private static long size(Map<String, io.stillframe.v1.Payload> payloads) {
        return payloads.entrySet().stream()
                .mapToLong(each -> each.getKey().length() + each.getValue().getSerializedSize())
                .sum();
    }
}
