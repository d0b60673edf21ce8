package io.stillframe.client;

/**
 * One entry that was left out.
 *
 * @param map the map that it stands in
 * @param key its key there
 * @param sizeBytes the bytes of its serialised payload
 * @param reason why it was left out
 */
public record OmittedEntry(SnapshotMap map, String key, long sizeBytes, OmissionReason reason) {
    static OmittedEntry of(io.stillframe.v1.OmittedEntry message) {
        return new OmittedEntry(
                Enums.of(SnapshotMap.class, message.getMapValue()),
                message.getKey(),
                message.getSizeBytes(),
                Enums.of(OmissionReason.class, message.getReasonValue()));
    }
}
