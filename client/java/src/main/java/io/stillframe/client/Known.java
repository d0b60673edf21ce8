package io.stillframe.client;

import com.google.protobuf.ByteString;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.Map;

/** What is known of a snapshot's entries: a digest of each. */
record Known(Map<String, ByteString> stepOutputs, Map<String, ByteString> variables) {

    static Known of(
            Map<String, io.stillframe.v1.Payload> stepOutputs,
            Map<String, io.stillframe.v1.Payload> variables) {
        return new Known(digests(stepOutputs), digests(variables));
    }

    private static Map<String, ByteString> digests(Map<String, io.stillframe.v1.Payload> payloads) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            // Every Java platform has it.
            throw new IllegalStateException(impossible);
        }
        Map<String, ByteString> digests = new HashMap<>();
        // A payload has no map field, so equal ones serialise to equal bytes.
        payloads.forEach(
                (key, payload) ->
                        digests.put(key, ByteString.copyFrom(digest.digest(payload.toByteArray()))));
        return digests;
    }
}
