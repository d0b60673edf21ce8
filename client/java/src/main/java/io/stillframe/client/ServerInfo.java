package io.stillframe.client;

import io.stillframe.v1.GetServerInfoResponse;
import java.util.List;

/**
 * What a server is.
 *
 * @param serverVersion its version
 * @param storeKind {@code memory}, {@code sqlite}, or the URL scheme of another store
 * @param limits the limits in force
 * @param features the parts of the contract that it has, by name
 */
public record ServerInfo(
        String serverVersion, String storeKind, ServerLimits limits, List<String> features) {
    static ServerInfo of(GetServerInfoResponse message) {
        return new ServerInfo(
                message.getServerVersion(),
                message.getStoreKind(),
                ServerLimits.of(message.getLimits()),
                List.copyOf(message.getFeaturesList()));
    }
}
