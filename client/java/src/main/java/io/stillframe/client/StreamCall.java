package io.stillframe.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One call with a stream of responses. Holds at most one response that was not taken: a slow
 * consumer slows the server down, and costs no memory.
 */
final class StreamCall<A> {
    /** The end of a call, or one response of it. */
    record Item<A>(A response, Status status, Metadata trailers) {
        boolean isEnd() {
            return status != null;
        }
    }

    private final BlockingQueue<Item<A>> items = new LinkedBlockingQueue<>();
    private final ClientCall<?, A> call;

    private StreamCall(ClientCall<?, A> call) {
        this.call = call;
    }

    static <Q, A> StreamCall<A> start(
            Channel channel, MethodDescriptor<Q, A> method, CallOptions options, Q request) {
        ClientCall<Q, A> call = channel.newCall(method, options);
        StreamCall<A> stream = new StreamCall<>(call);
        call.start(stream.new Listener(), new Metadata());
        call.request(1);
        call.sendMessage(request);
        call.halfClose();
        return stream;
    }

    /** The next item; null when there is none after so many nanoseconds. */
    Item<A> poll(long nanos) throws InterruptedException {
        Item<A> item = items.poll(nanos, TimeUnit.NANOSECONDS);
        if (item != null && !item.isEnd()) {
            call.request(1);
        }
        return item;
    }

    /** Ends the call, from any thread; an item that says so follows. */
    void cancel() {
        call.cancel("the watch was closed", null);
    }

    private final class Listener extends ClientCall.Listener<A> {
        @Override
        public void onMessage(A response) {
            items.add(new Item<>(response, null, null));
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            items.add(new Item<>(null, status, trailers));
        }
    }
}
