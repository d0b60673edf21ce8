package io.stillframe.client;

import io.grpc.Attributes;
import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.StatusOr;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Targets that are a list of IP addresses, which gRPC for Java has no scheme for: the first that
 * answers is used. gRPC finds this class as a service.
 */
public final class Addresses extends NameResolverProvider {
    private static final String SCHEME = "stillframe-addresses";
    private static final Pattern ADDRESS =
            Pattern.compile("(?<host>localhost|[0-9.]+|\\[[0-9a-fA-F:.]+])(:(?<port>[0-9]{1,5}))?");
    private static final int DEFAULT_PORT = 443;

    /** For the service loader. */
    public Addresses() {}

    /**
     * The gRPC target for what the user gave: one with a scheme or one address as it is, several
     * addresses as one of this class.
     */
    static String target(String given) {
        String target = given.trim();
        if (target.contains("://") || !target.contains(",")) {
            return target;
        }
        String[] addresses = target.split("\\s*,\\s*", -1);
        for (String address : addresses) {
            parse(address);
        }
        return SCHEME + ":///" + String.join(",", addresses).replace("[", "%5B").replace("]", "%5D");
    }

    private static SocketAddress parse(String address) {
        Matcher matcher = ADDRESS.matcher(address);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "\"" + address + "\": a list takes IP addresses; for names, use one DNS name"
                            + " with several addresses");
        }
        String host = matcher.group("host").replace("localhost", "127.0.0.1");
        String port = matcher.group("port");
        try {
            // Digits only, so that no name is looked up.
            return new InetSocketAddress(
                    InetAddress.getByName(host),
                    port == null ? DEFAULT_PORT : Integer.parseInt(port));
        } catch (UnknownHostException invalid) {
            throw new IllegalArgumentException("\"" + address + "\" is no address", invalid);
        }
    }

    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
        if (!SCHEME.equals(target.getScheme())) {
            return null;
        }
        List<String> addresses = Arrays.asList(target.getPath().substring(1).split(","));
        return new Listed(addresses);
    }

    @Override
    protected boolean isAvailable() {
        return true;
    }

    @Override
    protected int priority() {
        // Of no importance: nobody else has the scheme.
        return 5;
    }

    @Override
    public String getDefaultScheme() {
        return SCHEME;
    }

    @Override
    public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
        return Set.of(InetSocketAddress.class);
    }

    private static final class Listed extends NameResolver {
        private final List<String> addresses;
        private Listener2 listener;

        Listed(List<String> addresses) {
            this.addresses = addresses;
        }

        @Override
        public String getServiceAuthority() {
            return addresses.get(0);
        }

        @Override
        public void start(Listener2 started) {
            listener = started;
            refresh();
        }

        @Override
        public void refresh() {
            List<EquivalentAddressGroup> groups = new ArrayList<>();
            for (String address : addresses) {
                groups.add(new EquivalentAddressGroup(parse(address)));
            }
            listener.onResult(
                    ResolutionResult.newBuilder()
                            .setAddressesOrError(StatusOr.fromValue(groups))
                            .setAttributes(Attributes.EMPTY)
                            .build());
        }

        @Override
        public void shutdown() {}
    }
}
