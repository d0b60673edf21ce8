package io.stillframe.client;

/**
 * An entry that differs between two snapshots.
 *
 * @param map the map that it stands in
 * @param key its key there
 * @param kind how it differs
 * @param fromSizeBytes the bytes of its payload in the first snapshot; 0 when it is not there
 * @param toSizeBytes the bytes of its payload in the second snapshot; 0 when it is not there
 */
public record EntryDifference(
        SnapshotMap map, String key, DifferenceKind kind, long fromSizeBytes, long toSizeBytes) {
    static EntryDifference of(io.stillframe.v1.EntryDifference message) {
        return new EntryDifference(
                Enums.of(SnapshotMap.class, message.getMapValue()),
                message.getKey(),
                Enums.of(DifferenceKind.class, message.getKindValue()),
                message.getFromSizeBytes(),
                message.getToSizeBytes());
    }
}
