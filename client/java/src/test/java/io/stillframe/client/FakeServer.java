package io.stillframe.client;

import com.google.protobuf.Message;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.stillframe.v1.SnapshotServiceGrpc;
import io.stillframe.v1.WatchSnapshotsRequest;
import io.stillframe.v1.WatchSnapshotsResponse;
import io.stillframe.v1.WorkingMemoryServiceGrpc;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;

/** A server within the process that answers as it was told to, call by call. */
final class FakeServer implements AutoCloseable {
    /** One call of a watch, as the server has it. */
    record WatchCall(
            WatchSnapshotsRequest request,
            ServerCallStreamObserver<WatchSnapshotsResponse> observer,
            CountDownLatch cancelled) {
        void send(WatchSnapshotsResponse response) {
            observer.onNext(response);
        }
    }

    /** Every request that came, with its metadata. */
    final List<Message> requests = new CopyOnWriteArrayList<>();

    final List<Metadata> headers = new CopyOnWriteArrayList<>();
    final BlockingQueue<WatchCall> watches = new LinkedBlockingQueue<>();
    final FakeClock clock = new FakeClock();

    private final Queue<Function<Message, ? extends Message>> answers =
            new ConcurrentLinkedQueue<>();
    private final Queue<Function<WatchCall, RuntimeException>> scripts =
            new ConcurrentLinkedQueue<>();
    private final Server server;
    private final ManagedChannel channel;

    FakeServer() throws IOException {
        String name = UUID.randomUUID().toString();
        server = serve(InProcessServerBuilder.forName(name)).build().start();
        channel = InProcessChannelBuilder.forName(name).build();
    }

    /** Gives another kind of server these same answers. */
    <B extends ServerBuilder<B>> B serve(B builder) {
        for (ServiceDescriptor service :
                List.of(
                        SnapshotServiceGrpc.getServiceDescriptor(),
                        WorkingMemoryServiceGrpc.getServiceDescriptor())) {
            ServerServiceDefinition.Builder definition = ServerServiceDefinition.builder(service);
            service.getMethods().forEach(method -> definition.addMethod(method(method)));
            builder.addService(ServerInterceptors.intercept(definition.build(), new Keeper()));
        }
        return builder;
    }

    /** A client of this server, whose waits do not last. */
    ClientBuilder client() {
        return Client.builder("unused").tenant("acme").channel(channel).clock(clock);
    }

    /** Answers the next call that has none yet. */
    FakeServer answer(Message answer) {
        answers.add(request -> answer);
        return this;
    }

    FakeServer answer(Function<Message, ? extends Message> answer) {
        answers.add(answer);
        return this;
    }

    FakeServer refuse(RuntimeException error) {
        answers.add(
                request -> {
                    throw error;
                });
        return this;
    }

    /** Carries out the next call of a watch that has no script yet; then the call stays open. */
    FakeServer watch(WatchSnapshotsResponse... responses) {
        scripts.add(
                call -> {
                    List.of(responses).forEach(call::send);
                    return null;
                });
        return this;
    }

    /** As {@link #watch}, and then the call ends with this. */
    FakeServer watchThenFail(RuntimeException error, WatchSnapshotsResponse... responses) {
        scripts.add(
                call -> {
                    List.of(responses).forEach(call::send);
                    return error;
                });
        return this;
    }

    /** The only request that came, or the last. */
    <M extends Message> M request(Class<M> type) {
        return type.cast(requests.get(requests.size() - 1));
    }

    @Override
    public void close() {
        channel.shutdownNow();
        server.shutdownNow();
    }

    @SuppressWarnings("unchecked")
    private <Q, A> ServerMethodDefinition<Q, A> method(MethodDescriptor<?, ?> descriptor) {
        MethodDescriptor<Q, A> method = (MethodDescriptor<Q, A>) descriptor;
        return switch (method.getType()) {
            case UNARY ->
                    ServerMethodDefinition.create(
                            method,
                            ServerCalls.asyncUnaryCall(
                                    (request, observer) ->
                                            unary((Message) request, (StreamObserver<Message>) observer)));
            case SERVER_STREAMING ->
                    ServerMethodDefinition.create(
                            method,
                            ServerCalls.asyncServerStreamingCall(
                                    (request, observer) ->
                                            stream(
                                                    (WatchSnapshotsRequest) request,
                                                    (ServerCallStreamObserver<WatchSnapshotsResponse>)
                                                            observer)));
            default ->
                    ServerMethodDefinition.create(
                            method,
                            ServerCalls.asyncBidiStreamingCall(
                                    observer -> {
                                        throw new IllegalStateException("no client calls it");
                                    }));
        };
    }

    private void unary(Message request, StreamObserver<Message> observer) {
        requests.add(request);
        Function<Message, ? extends Message> answer = answers.poll();
        if (answer == null) {
            observer.onError(Status.INTERNAL.withDescription("no answer left").asException());
            return;
        }
        try {
            Message message = answer.apply(request);
            observer.onNext(message);
            observer.onCompleted();
        } catch (RuntimeException error) {
            observer.onError(error);
        }
    }

    private void stream(
            WatchSnapshotsRequest request,
            ServerCallStreamObserver<WatchSnapshotsResponse> observer) {
        requests.add(request);
        WatchCall call = new WatchCall(request, observer, new CountDownLatch(1));
        observer.setOnCancelHandler(call.cancelled()::countDown);
        Function<WatchCall, RuntimeException> script = scripts.poll();
        RuntimeException error = script == null ? null : script.apply(call);
        if (error == null) {
            watches.add(call);
        } else {
            observer.onError(error);
        }
    }

    private final class Keeper implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata metadata, ServerCallHandler<Q, A> next) {
            headers.add(metadata);
            return next.startCall(call, metadata);
        }
    }
}
