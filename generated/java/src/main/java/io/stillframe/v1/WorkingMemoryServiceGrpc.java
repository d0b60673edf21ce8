package io.stillframe.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Sets, gets, deletes and lists the values of a working memory.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class WorkingMemoryServiceGrpc {

  private WorkingMemoryServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "stillframe.v1.WorkingMemoryService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.SetValueRequest,
      io.stillframe.v1.SetValueResponse> getSetValueMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetValue",
      requestType = io.stillframe.v1.SetValueRequest.class,
      responseType = io.stillframe.v1.SetValueResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.SetValueRequest,
      io.stillframe.v1.SetValueResponse> getSetValueMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.SetValueRequest, io.stillframe.v1.SetValueResponse> getSetValueMethod;
    if ((getSetValueMethod = WorkingMemoryServiceGrpc.getSetValueMethod) == null) {
      synchronized (WorkingMemoryServiceGrpc.class) {
        if ((getSetValueMethod = WorkingMemoryServiceGrpc.getSetValueMethod) == null) {
          WorkingMemoryServiceGrpc.getSetValueMethod = getSetValueMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.SetValueRequest, io.stillframe.v1.SetValueResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetValue"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.SetValueRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.SetValueResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkingMemoryServiceMethodDescriptorSupplier("SetValue"))
              .build();
        }
      }
    }
    return getSetValueMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.GetValueRequest,
      io.stillframe.v1.GetValueResponse> getGetValueMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetValue",
      requestType = io.stillframe.v1.GetValueRequest.class,
      responseType = io.stillframe.v1.GetValueResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.GetValueRequest,
      io.stillframe.v1.GetValueResponse> getGetValueMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.GetValueRequest, io.stillframe.v1.GetValueResponse> getGetValueMethod;
    if ((getGetValueMethod = WorkingMemoryServiceGrpc.getGetValueMethod) == null) {
      synchronized (WorkingMemoryServiceGrpc.class) {
        if ((getGetValueMethod = WorkingMemoryServiceGrpc.getGetValueMethod) == null) {
          WorkingMemoryServiceGrpc.getGetValueMethod = getGetValueMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.GetValueRequest, io.stillframe.v1.GetValueResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetValue"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.GetValueRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.GetValueResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkingMemoryServiceMethodDescriptorSupplier("GetValue"))
              .build();
        }
      }
    }
    return getGetValueMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.DeleteValueRequest,
      io.stillframe.v1.DeleteValueResponse> getDeleteValueMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteValue",
      requestType = io.stillframe.v1.DeleteValueRequest.class,
      responseType = io.stillframe.v1.DeleteValueResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.DeleteValueRequest,
      io.stillframe.v1.DeleteValueResponse> getDeleteValueMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.DeleteValueRequest, io.stillframe.v1.DeleteValueResponse> getDeleteValueMethod;
    if ((getDeleteValueMethod = WorkingMemoryServiceGrpc.getDeleteValueMethod) == null) {
      synchronized (WorkingMemoryServiceGrpc.class) {
        if ((getDeleteValueMethod = WorkingMemoryServiceGrpc.getDeleteValueMethod) == null) {
          WorkingMemoryServiceGrpc.getDeleteValueMethod = getDeleteValueMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.DeleteValueRequest, io.stillframe.v1.DeleteValueResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteValue"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.DeleteValueRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.DeleteValueResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkingMemoryServiceMethodDescriptorSupplier("DeleteValue"))
              .build();
        }
      }
    }
    return getDeleteValueMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.ListKeysRequest,
      io.stillframe.v1.ListKeysResponse> getListKeysMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListKeys",
      requestType = io.stillframe.v1.ListKeysRequest.class,
      responseType = io.stillframe.v1.ListKeysResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.ListKeysRequest,
      io.stillframe.v1.ListKeysResponse> getListKeysMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.ListKeysRequest, io.stillframe.v1.ListKeysResponse> getListKeysMethod;
    if ((getListKeysMethod = WorkingMemoryServiceGrpc.getListKeysMethod) == null) {
      synchronized (WorkingMemoryServiceGrpc.class) {
        if ((getListKeysMethod = WorkingMemoryServiceGrpc.getListKeysMethod) == null) {
          WorkingMemoryServiceGrpc.getListKeysMethod = getListKeysMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.ListKeysRequest, io.stillframe.v1.ListKeysResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListKeys"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.ListKeysRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.ListKeysResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WorkingMemoryServiceMethodDescriptorSupplier("ListKeys"))
              .build();
        }
      }
    }
    return getListKeysMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static WorkingMemoryServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WorkingMemoryServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WorkingMemoryServiceStub>() {
        @java.lang.Override
        public WorkingMemoryServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WorkingMemoryServiceStub(channel, callOptions);
        }
      };
    return WorkingMemoryServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static WorkingMemoryServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WorkingMemoryServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WorkingMemoryServiceBlockingV2Stub>() {
        @java.lang.Override
        public WorkingMemoryServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WorkingMemoryServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return WorkingMemoryServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static WorkingMemoryServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WorkingMemoryServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WorkingMemoryServiceBlockingStub>() {
        @java.lang.Override
        public WorkingMemoryServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WorkingMemoryServiceBlockingStub(channel, callOptions);
        }
      };
    return WorkingMemoryServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static WorkingMemoryServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WorkingMemoryServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WorkingMemoryServiceFutureStub>() {
        @java.lang.Override
        public WorkingMemoryServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WorkingMemoryServiceFutureStub(channel, callOptions);
        }
      };
    return WorkingMemoryServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Sets, gets, deletes and lists the values of a working memory.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Sets a value, in place of the one that has the key, and answers once that is
     * durable. What the value had before, its ttl too, is gone.
     * Decided inside the commit, in this order: the value that is there was not set
     * by the same request_id; the preconditions hold.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * RESOURCE_EXHAUSTED: VALUE_TOO_LARGE.
     * ALREADY_EXISTS: VALUE_EXISTS.
     * ABORTED: ETAG_MISMATCH.
     * </pre>
     */
    default void setValue(io.stillframe.v1.SetValueRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.SetValueResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetValueMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets a value.
     * NOT_FOUND: VALUE_NOT_FOUND, also once its ttl is over.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    default void getValue(io.stillframe.v1.GetValueRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.GetValueResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetValueMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a value, and answers once that is durable. Idempotent: where there is
     * none, it answers OK and says so. There is no request_id: a call that is
     * repeated after a lost answer also deletes a value that somebody else has set
     * since, unless it has an expected_etag.
     * ABORTED: ETAG_MISMATCH.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    default void deleteValue(io.stillframe.v1.DeleteValueRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.DeleteValueResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteValueMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the keys of one scope in order of their bytes, without the values. A
     * key that is there all the while is neither skipped nor listed twice.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    default void listKeys(io.stillframe.v1.ListKeysRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.ListKeysResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListKeysMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service WorkingMemoryService.
   * <pre>
   * Sets, gets, deletes and lists the values of a working memory.
   * </pre>
   */
  public static abstract class WorkingMemoryServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return WorkingMemoryServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service WorkingMemoryService.
   * <pre>
   * Sets, gets, deletes and lists the values of a working memory.
   * </pre>
   */
  public static final class WorkingMemoryServiceStub
      extends io.grpc.stub.AbstractAsyncStub<WorkingMemoryServiceStub> {
    private WorkingMemoryServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WorkingMemoryServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WorkingMemoryServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Sets a value, in place of the one that has the key, and answers once that is
     * durable. What the value had before, its ttl too, is gone.
     * Decided inside the commit, in this order: the value that is there was not set
     * by the same request_id; the preconditions hold.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * RESOURCE_EXHAUSTED: VALUE_TOO_LARGE.
     * ALREADY_EXISTS: VALUE_EXISTS.
     * ABORTED: ETAG_MISMATCH.
     * </pre>
     */
    public void setValue(io.stillframe.v1.SetValueRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.SetValueResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetValueMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets a value.
     * NOT_FOUND: VALUE_NOT_FOUND, also once its ttl is over.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public void getValue(io.stillframe.v1.GetValueRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.GetValueResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetValueMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a value, and answers once that is durable. Idempotent: where there is
     * none, it answers OK and says so. There is no request_id: a call that is
     * repeated after a lost answer also deletes a value that somebody else has set
     * since, unless it has an expected_etag.
     * ABORTED: ETAG_MISMATCH.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public void deleteValue(io.stillframe.v1.DeleteValueRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.DeleteValueResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteValueMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the keys of one scope in order of their bytes, without the values. A
     * key that is there all the while is neither skipped nor listed twice.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public void listKeys(io.stillframe.v1.ListKeysRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.ListKeysResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListKeysMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service WorkingMemoryService.
   * <pre>
   * Sets, gets, deletes and lists the values of a working memory.
   * </pre>
   */
  public static final class WorkingMemoryServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<WorkingMemoryServiceBlockingV2Stub> {
    private WorkingMemoryServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WorkingMemoryServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WorkingMemoryServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Sets a value, in place of the one that has the key, and answers once that is
     * durable. What the value had before, its ttl too, is gone.
     * Decided inside the commit, in this order: the value that is there was not set
     * by the same request_id; the preconditions hold.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * RESOURCE_EXHAUSTED: VALUE_TOO_LARGE.
     * ALREADY_EXISTS: VALUE_EXISTS.
     * ABORTED: ETAG_MISMATCH.
     * </pre>
     */
    public io.stillframe.v1.SetValueResponse setValue(io.stillframe.v1.SetValueRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetValueMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a value.
     * NOT_FOUND: VALUE_NOT_FOUND, also once its ttl is over.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.GetValueResponse getValue(io.stillframe.v1.GetValueRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetValueMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a value, and answers once that is durable. Idempotent: where there is
     * none, it answers OK and says so. There is no request_id: a call that is
     * repeated after a lost answer also deletes a value that somebody else has set
     * since, unless it has an expected_etag.
     * ABORTED: ETAG_MISMATCH.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.DeleteValueResponse deleteValue(io.stillframe.v1.DeleteValueRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteValueMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the keys of one scope in order of their bytes, without the values. A
     * key that is there all the while is neither skipped nor listed twice.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public io.stillframe.v1.ListKeysResponse listKeys(io.stillframe.v1.ListKeysRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListKeysMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service WorkingMemoryService.
   * <pre>
   * Sets, gets, deletes and lists the values of a working memory.
   * </pre>
   */
  public static final class WorkingMemoryServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<WorkingMemoryServiceBlockingStub> {
    private WorkingMemoryServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WorkingMemoryServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WorkingMemoryServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Sets a value, in place of the one that has the key, and answers once that is
     * durable. What the value had before, its ttl too, is gone.
     * Decided inside the commit, in this order: the value that is there was not set
     * by the same request_id; the preconditions hold.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * RESOURCE_EXHAUSTED: VALUE_TOO_LARGE.
     * ALREADY_EXISTS: VALUE_EXISTS.
     * ABORTED: ETAG_MISMATCH.
     * </pre>
     */
    public io.stillframe.v1.SetValueResponse setValue(io.stillframe.v1.SetValueRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetValueMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets a value.
     * NOT_FOUND: VALUE_NOT_FOUND, also once its ttl is over.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.GetValueResponse getValue(io.stillframe.v1.GetValueRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetValueMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a value, and answers once that is durable. Idempotent: where there is
     * none, it answers OK and says so. There is no request_id: a call that is
     * repeated after a lost answer also deletes a value that somebody else has set
     * since, unless it has an expected_etag.
     * ABORTED: ETAG_MISMATCH.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.DeleteValueResponse deleteValue(io.stillframe.v1.DeleteValueRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteValueMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the keys of one scope in order of their bytes, without the values. A
     * key that is there all the while is neither skipped nor listed twice.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public io.stillframe.v1.ListKeysResponse listKeys(io.stillframe.v1.ListKeysRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListKeysMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service WorkingMemoryService.
   * <pre>
   * Sets, gets, deletes and lists the values of a working memory.
   * </pre>
   */
  public static final class WorkingMemoryServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<WorkingMemoryServiceFutureStub> {
    private WorkingMemoryServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WorkingMemoryServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WorkingMemoryServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Sets a value, in place of the one that has the key, and answers once that is
     * durable. What the value had before, its ttl too, is gone.
     * Decided inside the commit, in this order: the value that is there was not set
     * by the same request_id; the preconditions hold.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * RESOURCE_EXHAUSTED: VALUE_TOO_LARGE.
     * ALREADY_EXISTS: VALUE_EXISTS.
     * ABORTED: ETAG_MISMATCH.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.SetValueResponse> setValue(
        io.stillframe.v1.SetValueRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetValueMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets a value.
     * NOT_FOUND: VALUE_NOT_FOUND, also once its ttl is over.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.GetValueResponse> getValue(
        io.stillframe.v1.GetValueRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetValueMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a value, and answers once that is durable. Idempotent: where there is
     * none, it answers OK and says so. There is no request_id: a call that is
     * repeated after a lost answer also deletes a value that somebody else has set
     * since, unless it has an expected_etag.
     * ABORTED: ETAG_MISMATCH.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.DeleteValueResponse> deleteValue(
        io.stillframe.v1.DeleteValueRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteValueMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the keys of one scope in order of their bytes, without the values. A
     * key that is there all the while is neither skipped nor listed twice.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.ListKeysResponse> listKeys(
        io.stillframe.v1.ListKeysRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListKeysMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_SET_VALUE = 0;
  private static final int METHODID_GET_VALUE = 1;
  private static final int METHODID_DELETE_VALUE = 2;
  private static final int METHODID_LIST_KEYS = 3;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_SET_VALUE:
          serviceImpl.setValue((io.stillframe.v1.SetValueRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.SetValueResponse>) responseObserver);
          break;
        case METHODID_GET_VALUE:
          serviceImpl.getValue((io.stillframe.v1.GetValueRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.GetValueResponse>) responseObserver);
          break;
        case METHODID_DELETE_VALUE:
          serviceImpl.deleteValue((io.stillframe.v1.DeleteValueRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.DeleteValueResponse>) responseObserver);
          break;
        case METHODID_LIST_KEYS:
          serviceImpl.listKeys((io.stillframe.v1.ListKeysRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.ListKeysResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getSetValueMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.SetValueRequest,
              io.stillframe.v1.SetValueResponse>(
                service, METHODID_SET_VALUE)))
        .addMethod(
          getGetValueMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.GetValueRequest,
              io.stillframe.v1.GetValueResponse>(
                service, METHODID_GET_VALUE)))
        .addMethod(
          getDeleteValueMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.DeleteValueRequest,
              io.stillframe.v1.DeleteValueResponse>(
                service, METHODID_DELETE_VALUE)))
        .addMethod(
          getListKeysMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.ListKeysRequest,
              io.stillframe.v1.ListKeysResponse>(
                service, METHODID_LIST_KEYS)))
        .build();
  }

  private static abstract class WorkingMemoryServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    WorkingMemoryServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.stillframe.v1.WorkingMemoryServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("WorkingMemoryService");
    }
  }

  private static final class WorkingMemoryServiceFileDescriptorSupplier
      extends WorkingMemoryServiceBaseDescriptorSupplier {
    WorkingMemoryServiceFileDescriptorSupplier() {}
  }

  private static final class WorkingMemoryServiceMethodDescriptorSupplier
      extends WorkingMemoryServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    WorkingMemoryServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (WorkingMemoryServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new WorkingMemoryServiceFileDescriptorSupplier())
              .addMethod(getSetValueMethod())
              .addMethod(getGetValueMethod())
              .addMethod(getDeleteValueMethod())
              .addMethod(getListKeysMethod())
              .build();
        }
      }
    }
    return result;
  }
}
