package io.stillframe.client;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import java.time.Duration;

/** What the calls of one tenant have in common. {@code timeout} may be null: no bound. */
record Calls(
        Transport transport, String tenant, Codec codec, int maxMessageBytes, Duration timeout) {

    <Q extends Message, A> A unary(MethodDescriptor<Q, A> method, Q request) {
        return unary(method, request, timeout);
    }

    <Q extends Message, A> A unary(MethodDescriptor<Q, A> method, Q request, Duration within) {
        Messages.check(request, maxMessageBytes);
        return transport.unary(method, request, within);
    }

    Calls within(Duration other) {
        return new Calls(transport, tenant, codec, maxMessageBytes, other);
    }

    /** A request id where the caller gave none. */
    static String requestId(String given) {
        return given.isEmpty() ? RequestIds.next() : given;
    }
}
