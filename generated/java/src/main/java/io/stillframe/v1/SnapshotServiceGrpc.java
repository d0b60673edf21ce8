package io.stillframe.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Saves, loads, lists and watches execution snapshots.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class SnapshotServiceGrpc {

  private SnapshotServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "stillframe.v1.SnapshotService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.SaveSnapshotRequest,
      io.stillframe.v1.SaveSnapshotResponse> getSaveSnapshotMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SaveSnapshot",
      requestType = io.stillframe.v1.SaveSnapshotRequest.class,
      responseType = io.stillframe.v1.SaveSnapshotResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.SaveSnapshotRequest,
      io.stillframe.v1.SaveSnapshotResponse> getSaveSnapshotMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.SaveSnapshotRequest, io.stillframe.v1.SaveSnapshotResponse> getSaveSnapshotMethod;
    if ((getSaveSnapshotMethod = SnapshotServiceGrpc.getSaveSnapshotMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getSaveSnapshotMethod = SnapshotServiceGrpc.getSaveSnapshotMethod) == null) {
          SnapshotServiceGrpc.getSaveSnapshotMethod = getSaveSnapshotMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.SaveSnapshotRequest, io.stillframe.v1.SaveSnapshotResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SaveSnapshot"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.SaveSnapshotRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.SaveSnapshotResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("SaveSnapshot"))
              .build();
        }
      }
    }
    return getSaveSnapshotMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.SaveSnapshotsRequest,
      io.stillframe.v1.SaveSnapshotsResponse> getSaveSnapshotsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SaveSnapshots",
      requestType = io.stillframe.v1.SaveSnapshotsRequest.class,
      responseType = io.stillframe.v1.SaveSnapshotsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.SaveSnapshotsRequest,
      io.stillframe.v1.SaveSnapshotsResponse> getSaveSnapshotsMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.SaveSnapshotsRequest, io.stillframe.v1.SaveSnapshotsResponse> getSaveSnapshotsMethod;
    if ((getSaveSnapshotsMethod = SnapshotServiceGrpc.getSaveSnapshotsMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getSaveSnapshotsMethod = SnapshotServiceGrpc.getSaveSnapshotsMethod) == null) {
          SnapshotServiceGrpc.getSaveSnapshotsMethod = getSaveSnapshotsMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.SaveSnapshotsRequest, io.stillframe.v1.SaveSnapshotsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SaveSnapshots"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.SaveSnapshotsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.SaveSnapshotsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("SaveSnapshots"))
              .build();
        }
      }
    }
    return getSaveSnapshotsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.LoadSnapshotRequest,
      io.stillframe.v1.LoadSnapshotResponse> getLoadSnapshotMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "LoadSnapshot",
      requestType = io.stillframe.v1.LoadSnapshotRequest.class,
      responseType = io.stillframe.v1.LoadSnapshotResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.LoadSnapshotRequest,
      io.stillframe.v1.LoadSnapshotResponse> getLoadSnapshotMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.LoadSnapshotRequest, io.stillframe.v1.LoadSnapshotResponse> getLoadSnapshotMethod;
    if ((getLoadSnapshotMethod = SnapshotServiceGrpc.getLoadSnapshotMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getLoadSnapshotMethod = SnapshotServiceGrpc.getLoadSnapshotMethod) == null) {
          SnapshotServiceGrpc.getLoadSnapshotMethod = getLoadSnapshotMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.LoadSnapshotRequest, io.stillframe.v1.LoadSnapshotResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "LoadSnapshot"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.LoadSnapshotRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.LoadSnapshotResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("LoadSnapshot"))
              .build();
        }
      }
    }
    return getLoadSnapshotMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.ClaimExecutionRequest,
      io.stillframe.v1.ClaimExecutionResponse> getClaimExecutionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ClaimExecution",
      requestType = io.stillframe.v1.ClaimExecutionRequest.class,
      responseType = io.stillframe.v1.ClaimExecutionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.ClaimExecutionRequest,
      io.stillframe.v1.ClaimExecutionResponse> getClaimExecutionMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.ClaimExecutionRequest, io.stillframe.v1.ClaimExecutionResponse> getClaimExecutionMethod;
    if ((getClaimExecutionMethod = SnapshotServiceGrpc.getClaimExecutionMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getClaimExecutionMethod = SnapshotServiceGrpc.getClaimExecutionMethod) == null) {
          SnapshotServiceGrpc.getClaimExecutionMethod = getClaimExecutionMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.ClaimExecutionRequest, io.stillframe.v1.ClaimExecutionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ClaimExecution"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.ClaimExecutionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.ClaimExecutionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("ClaimExecution"))
              .build();
        }
      }
    }
    return getClaimExecutionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.CheckFreshnessRequest,
      io.stillframe.v1.CheckFreshnessResponse> getCheckFreshnessMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CheckFreshness",
      requestType = io.stillframe.v1.CheckFreshnessRequest.class,
      responseType = io.stillframe.v1.CheckFreshnessResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.CheckFreshnessRequest,
      io.stillframe.v1.CheckFreshnessResponse> getCheckFreshnessMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.CheckFreshnessRequest, io.stillframe.v1.CheckFreshnessResponse> getCheckFreshnessMethod;
    if ((getCheckFreshnessMethod = SnapshotServiceGrpc.getCheckFreshnessMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getCheckFreshnessMethod = SnapshotServiceGrpc.getCheckFreshnessMethod) == null) {
          SnapshotServiceGrpc.getCheckFreshnessMethod = getCheckFreshnessMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.CheckFreshnessRequest, io.stillframe.v1.CheckFreshnessResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CheckFreshness"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.CheckFreshnessRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.CheckFreshnessResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("CheckFreshness"))
              .build();
        }
      }
    }
    return getCheckFreshnessMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.ListExecutionsRequest,
      io.stillframe.v1.ListExecutionsResponse> getListExecutionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListExecutions",
      requestType = io.stillframe.v1.ListExecutionsRequest.class,
      responseType = io.stillframe.v1.ListExecutionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.ListExecutionsRequest,
      io.stillframe.v1.ListExecutionsResponse> getListExecutionsMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.ListExecutionsRequest, io.stillframe.v1.ListExecutionsResponse> getListExecutionsMethod;
    if ((getListExecutionsMethod = SnapshotServiceGrpc.getListExecutionsMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getListExecutionsMethod = SnapshotServiceGrpc.getListExecutionsMethod) == null) {
          SnapshotServiceGrpc.getListExecutionsMethod = getListExecutionsMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.ListExecutionsRequest, io.stillframe.v1.ListExecutionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListExecutions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.ListExecutionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.ListExecutionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("ListExecutions"))
              .build();
        }
      }
    }
    return getListExecutionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.ListSnapshotsRequest,
      io.stillframe.v1.ListSnapshotsResponse> getListSnapshotsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListSnapshots",
      requestType = io.stillframe.v1.ListSnapshotsRequest.class,
      responseType = io.stillframe.v1.ListSnapshotsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.ListSnapshotsRequest,
      io.stillframe.v1.ListSnapshotsResponse> getListSnapshotsMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.ListSnapshotsRequest, io.stillframe.v1.ListSnapshotsResponse> getListSnapshotsMethod;
    if ((getListSnapshotsMethod = SnapshotServiceGrpc.getListSnapshotsMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getListSnapshotsMethod = SnapshotServiceGrpc.getListSnapshotsMethod) == null) {
          SnapshotServiceGrpc.getListSnapshotsMethod = getListSnapshotsMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.ListSnapshotsRequest, io.stillframe.v1.ListSnapshotsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListSnapshots"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.ListSnapshotsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.ListSnapshotsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("ListSnapshots"))
              .build();
        }
      }
    }
    return getListSnapshotsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.DiffSnapshotsRequest,
      io.stillframe.v1.DiffSnapshotsResponse> getDiffSnapshotsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DiffSnapshots",
      requestType = io.stillframe.v1.DiffSnapshotsRequest.class,
      responseType = io.stillframe.v1.DiffSnapshotsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.DiffSnapshotsRequest,
      io.stillframe.v1.DiffSnapshotsResponse> getDiffSnapshotsMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.DiffSnapshotsRequest, io.stillframe.v1.DiffSnapshotsResponse> getDiffSnapshotsMethod;
    if ((getDiffSnapshotsMethod = SnapshotServiceGrpc.getDiffSnapshotsMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getDiffSnapshotsMethod = SnapshotServiceGrpc.getDiffSnapshotsMethod) == null) {
          SnapshotServiceGrpc.getDiffSnapshotsMethod = getDiffSnapshotsMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.DiffSnapshotsRequest, io.stillframe.v1.DiffSnapshotsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DiffSnapshots"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.DiffSnapshotsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.DiffSnapshotsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("DiffSnapshots"))
              .build();
        }
      }
    }
    return getDiffSnapshotsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.ForkExecutionRequest,
      io.stillframe.v1.ForkExecutionResponse> getForkExecutionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ForkExecution",
      requestType = io.stillframe.v1.ForkExecutionRequest.class,
      responseType = io.stillframe.v1.ForkExecutionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.ForkExecutionRequest,
      io.stillframe.v1.ForkExecutionResponse> getForkExecutionMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.ForkExecutionRequest, io.stillframe.v1.ForkExecutionResponse> getForkExecutionMethod;
    if ((getForkExecutionMethod = SnapshotServiceGrpc.getForkExecutionMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getForkExecutionMethod = SnapshotServiceGrpc.getForkExecutionMethod) == null) {
          SnapshotServiceGrpc.getForkExecutionMethod = getForkExecutionMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.ForkExecutionRequest, io.stillframe.v1.ForkExecutionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ForkExecution"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.ForkExecutionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.ForkExecutionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("ForkExecution"))
              .build();
        }
      }
    }
    return getForkExecutionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.DeleteSnapshotsRequest,
      io.stillframe.v1.DeleteSnapshotsResponse> getDeleteSnapshotsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteSnapshots",
      requestType = io.stillframe.v1.DeleteSnapshotsRequest.class,
      responseType = io.stillframe.v1.DeleteSnapshotsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.DeleteSnapshotsRequest,
      io.stillframe.v1.DeleteSnapshotsResponse> getDeleteSnapshotsMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.DeleteSnapshotsRequest, io.stillframe.v1.DeleteSnapshotsResponse> getDeleteSnapshotsMethod;
    if ((getDeleteSnapshotsMethod = SnapshotServiceGrpc.getDeleteSnapshotsMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getDeleteSnapshotsMethod = SnapshotServiceGrpc.getDeleteSnapshotsMethod) == null) {
          SnapshotServiceGrpc.getDeleteSnapshotsMethod = getDeleteSnapshotsMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.DeleteSnapshotsRequest, io.stillframe.v1.DeleteSnapshotsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteSnapshots"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.DeleteSnapshotsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.DeleteSnapshotsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("DeleteSnapshots"))
              .build();
        }
      }
    }
    return getDeleteSnapshotsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.DeleteExecutionRequest,
      io.stillframe.v1.DeleteExecutionResponse> getDeleteExecutionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteExecution",
      requestType = io.stillframe.v1.DeleteExecutionRequest.class,
      responseType = io.stillframe.v1.DeleteExecutionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.DeleteExecutionRequest,
      io.stillframe.v1.DeleteExecutionResponse> getDeleteExecutionMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.DeleteExecutionRequest, io.stillframe.v1.DeleteExecutionResponse> getDeleteExecutionMethod;
    if ((getDeleteExecutionMethod = SnapshotServiceGrpc.getDeleteExecutionMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getDeleteExecutionMethod = SnapshotServiceGrpc.getDeleteExecutionMethod) == null) {
          SnapshotServiceGrpc.getDeleteExecutionMethod = getDeleteExecutionMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.DeleteExecutionRequest, io.stillframe.v1.DeleteExecutionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteExecution"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.DeleteExecutionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.DeleteExecutionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("DeleteExecution"))
              .build();
        }
      }
    }
    return getDeleteExecutionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.WatchSnapshotsRequest,
      io.stillframe.v1.WatchSnapshotsResponse> getWatchSnapshotsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchSnapshots",
      requestType = io.stillframe.v1.WatchSnapshotsRequest.class,
      responseType = io.stillframe.v1.WatchSnapshotsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.WatchSnapshotsRequest,
      io.stillframe.v1.WatchSnapshotsResponse> getWatchSnapshotsMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.WatchSnapshotsRequest, io.stillframe.v1.WatchSnapshotsResponse> getWatchSnapshotsMethod;
    if ((getWatchSnapshotsMethod = SnapshotServiceGrpc.getWatchSnapshotsMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getWatchSnapshotsMethod = SnapshotServiceGrpc.getWatchSnapshotsMethod) == null) {
          SnapshotServiceGrpc.getWatchSnapshotsMethod = getWatchSnapshotsMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.WatchSnapshotsRequest, io.stillframe.v1.WatchSnapshotsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchSnapshots"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.WatchSnapshotsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.WatchSnapshotsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("WatchSnapshots"))
              .build();
        }
      }
    }
    return getWatchSnapshotsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.stillframe.v1.GetServerInfoRequest,
      io.stillframe.v1.GetServerInfoResponse> getGetServerInfoMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetServerInfo",
      requestType = io.stillframe.v1.GetServerInfoRequest.class,
      responseType = io.stillframe.v1.GetServerInfoResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.stillframe.v1.GetServerInfoRequest,
      io.stillframe.v1.GetServerInfoResponse> getGetServerInfoMethod() {
    io.grpc.MethodDescriptor<io.stillframe.v1.GetServerInfoRequest, io.stillframe.v1.GetServerInfoResponse> getGetServerInfoMethod;
    if ((getGetServerInfoMethod = SnapshotServiceGrpc.getGetServerInfoMethod) == null) {
      synchronized (SnapshotServiceGrpc.class) {
        if ((getGetServerInfoMethod = SnapshotServiceGrpc.getGetServerInfoMethod) == null) {
          SnapshotServiceGrpc.getGetServerInfoMethod = getGetServerInfoMethod =
              io.grpc.MethodDescriptor.<io.stillframe.v1.GetServerInfoRequest, io.stillframe.v1.GetServerInfoResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetServerInfo"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.GetServerInfoRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.stillframe.v1.GetServerInfoResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SnapshotServiceMethodDescriptorSupplier("GetServerInfo"))
              .build();
        }
      }
    }
    return getGetServerInfoMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static SnapshotServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SnapshotServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SnapshotServiceStub>() {
        @java.lang.Override
        public SnapshotServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SnapshotServiceStub(channel, callOptions);
        }
      };
    return SnapshotServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static SnapshotServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SnapshotServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SnapshotServiceBlockingV2Stub>() {
        @java.lang.Override
        public SnapshotServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SnapshotServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return SnapshotServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static SnapshotServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SnapshotServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SnapshotServiceBlockingStub>() {
        @java.lang.Override
        public SnapshotServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SnapshotServiceBlockingStub(channel, callOptions);
        }
      };
    return SnapshotServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static SnapshotServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SnapshotServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SnapshotServiceFutureStub>() {
        @java.lang.Override
        public SnapshotServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SnapshotServiceFutureStub(channel, callOptions);
        }
      };
    return SnapshotServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Saves, loads, lists and watches execution snapshots.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Saves a snapshot, whole or as a delta, and answers once it is durable.
     * Decided inside the commit, in this order: the request and the snapshot that
     * would result are valid; the request_id is not a replay; the writer is not
     * fenced; the preconditions hold; the delta's base is the head; the sequence
     * number does not go back; something changed; the snapshot_id is free and the
     * quota holds.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * RESOURCE_EXHAUSTED: SNAPSHOT_TOO_LARGE, QUOTA_EXCEEDED.
     * FAILED_PRECONDITION: FENCED, SEQUENCE_REGRESSION.
     * ALREADY_EXISTS: EXECUTION_EXISTS, SNAPSHOT_ID_EXISTS.
     * ABORTED: ETAG_MISMATCH, DELTA_BASE_MISMATCH.
     * NOT_FOUND: EXECUTION_NOT_FOUND, for a delta to an execution without a head.
     * </pre>
     */
    default void saveSnapshot(io.stillframe.v1.SaveSnapshotRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.SaveSnapshotResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSaveSnapshotMethod(), responseObserver);
    }

    /**
     * <pre>
     * Saves many snapshots in a pipeline; how an engine saves fast.
     * Each item has its own result, with the reasons of SaveSnapshot in the item's
     * error, so that a refused item does not end the stream. Items of one
     * execution apply in the order sent. The end of the request stream commits
     * nothing and takes nothing back.
     * The server reads no further message of a stream while 1,024 items, or
     * messages of 16 MiB, are unanswered, and while the store has as much work as
     * it can hold: items are not refused with SERVER_BUSY, the stream slows down.
     * So a client reads results while it sends. Results come in messages of up to
     * 1 MiB.
     * An item without a result, because the stream ended, may have taken effect: a
     * client sends it again, under the same request_id, in the same order, and
     * keeps no more than 32 of one execution unanswered, which is what the
     * execution remembers. A delta that names its base by request_id takes effect
     * only right after the save that it was made against, sent again or not.
     * INVALID_ARGUMENT: MALFORMED_MESSAGE, for a message that cannot be read; the
     * results of those before it come first.
     * UNAVAILABLE: SHUTTING_DOWN, after the results of what the server had read and
     * the store could take; STORE_UNAVAILABLE, and then nothing was done of what
     * has no result, unless the answer of the store itself was lost.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.stillframe.v1.SaveSnapshotsRequest> saveSnapshots(
        io.grpc.stub.StreamObserver<io.stillframe.v1.SaveSnapshotsResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getSaveSnapshotsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets one snapshot of an execution: the head unless a selector names another.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND.
     * FAILED_PRECONDITION: SNAPSHOT_STALE, SNAPSHOT_AHEAD, when a bound on the
     * freshness is set.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    default void loadSnapshot(io.stillframe.v1.LoadSnapshotRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.LoadSnapshotResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getLoadSnapshotMethod(), responseObserver);
    }

    /**
     * <pre>
     * Takes over an execution for an engine: raises its writer epoch by one and
     * returns the epoch with the head. From then on every save with a lower epoch,
     * or with none, is refused with FENCED.
     * NOT_FOUND: EXECUTION_NOT_FOUND, unless allow_missing is set.
     * FAILED_PRECONDITION: FENCED, when the epoch cannot be raised any further.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    default void claimExecution(io.stillframe.v1.ClaimExecutionRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.ClaimExecutionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getClaimExecutionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Compares the heads of many executions with the heads of the engine's event
     * store, without loading any payload. An execution that does not exist is
     * MISSING, not an error.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    default void checkFreshness(io.stillframe.v1.CheckFreshnessRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.CheckFreshnessResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCheckFreshnessMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the heads of the executions that a filter matches, in order of the
     * bytes of execution_id. An execution that changes while a client pages is
     * neither skipped nor listed twice.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    default void listExecutions(io.stillframe.v1.ListExecutionsRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.ListExecutionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListExecutionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the snapshots of one execution, or of every execution that a filter
     * matches, by revision and version, newest first: the snapshots that came with
     * a fork all have its revision.
     * NOT_FOUND: EXECUTION_NOT_FOUND, when execution_id is set.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    default void listSnapshots(io.stillframe.v1.ListSnapshotsRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.ListSnapshotsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListSnapshotsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Compares two snapshots of one execution: the entries added, removed and
     * changed in both maps, and the header fields that differ. Every page compares
     * the two snapshots that the first page did, however the execution moves on.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND; on a later page also when
     * one of the two was deleted since.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    default void diffSnapshots(io.stillframe.v1.DiffSnapshotsRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.DiffSnapshotsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDiffSnapshotsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates an execution from a snapshot of another, with or without the history
     * up to there. Takes one revision, and one SAVED change for the new head.
     * Decided inside the commit, in this order: the request_id is not a replay; the
     * source exists; it has the snapshot; the new execution does not exist; the
     * quota holds. Then the snapshots are numbered in their order, from 1, or from
     * the version after the last if the new execution's name was used before. They
     * keep their snapshot ids, timestamps and labels; their revision and
     * commit_time are the fork's, and their origin says where they came from. The
     * ttl and the writer epoch of the source are not copied: the fork lives until
     * it is given a ttl, and has no epoch, unless its name has one from before.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND, for the source.
     * ALREADY_EXISTS: EXECUTION_EXISTS, for the new execution.
     * RESOURCE_EXHAUSTED: QUOTA_EXCEEDED.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    default void forkExecution(io.stillframe.v1.ForkExecutionRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.ForkExecutionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getForkExecutionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes history of an execution; never its head, and never what another
     * snapshot reads as. What does not exist is passed over, and the head too. A
     * snapshot_id is free again once its snapshot is deleted; a version is not.
     * Takes no revision, and makes no change that a watch would see.
     * Decided inside the commit, in this order: the request_id is not a replay; the
     * writer is not fenced; the execution exists.
     * NOT_FOUND: EXECUTION_NOT_FOUND.
     * FAILED_PRECONDITION: FENCED.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    default void deleteSnapshots(io.stillframe.v1.DeleteSnapshotsRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.DeleteSnapshotsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteSnapshotsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes an execution and its history, with its descendants if asked, and the
     * values that the working memory keeps for it.
     * Idempotent: where there is no execution, it answers OK with a count of 0. A
     * tombstone keeps the last version, the writer epoch and the request ids for
     * 30 days or more.
     * FAILED_PRECONDITION: FENCED.
     * ABORTED: ETAG_MISMATCH.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    default void deleteExecution(io.stillframe.v1.DeleteExecutionRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.DeleteExecutionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteExecutionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams the changes of the executions that a filter matches.
     * Every frame after the initial state names, by its resume token, a point up
     * to which everything was delivered. A slow reader is never cut off.
     * OUT_OF_RANGE: HISTORY_COMPACTED, STORE_REPLACED, REVISION_IN_FUTURE.
     * RESOURCE_EXHAUSTED: SERVER_BUSY, for more watches than the server takes.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    default void watchSnapshots(io.stillframe.v1.WatchSnapshotsRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.WatchSnapshotsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchSnapshotsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gets what the server is and which limits are in force.
     * INVALID_ARGUMENT: MALFORMED_MESSAGE.
     * </pre>
     */
    default void getServerInfo(io.stillframe.v1.GetServerInfoRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.GetServerInfoResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetServerInfoMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service SnapshotService.
   * <pre>
   * Saves, loads, lists and watches execution snapshots.
   * </pre>
   */
  public static abstract class SnapshotServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return SnapshotServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service SnapshotService.
   * <pre>
   * Saves, loads, lists and watches execution snapshots.
   * </pre>
   */
  public static final class SnapshotServiceStub
      extends io.grpc.stub.AbstractAsyncStub<SnapshotServiceStub> {
    private SnapshotServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SnapshotServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SnapshotServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Saves a snapshot, whole or as a delta, and answers once it is durable.
     * Decided inside the commit, in this order: the request and the snapshot that
     * would result are valid; the request_id is not a replay; the writer is not
     * fenced; the preconditions hold; the delta's base is the head; the sequence
     * number does not go back; something changed; the snapshot_id is free and the
     * quota holds.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * RESOURCE_EXHAUSTED: SNAPSHOT_TOO_LARGE, QUOTA_EXCEEDED.
     * FAILED_PRECONDITION: FENCED, SEQUENCE_REGRESSION.
     * ALREADY_EXISTS: EXECUTION_EXISTS, SNAPSHOT_ID_EXISTS.
     * ABORTED: ETAG_MISMATCH, DELTA_BASE_MISMATCH.
     * NOT_FOUND: EXECUTION_NOT_FOUND, for a delta to an execution without a head.
     * </pre>
     */
    public void saveSnapshot(io.stillframe.v1.SaveSnapshotRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.SaveSnapshotResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSaveSnapshotMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Saves many snapshots in a pipeline; how an engine saves fast.
     * Each item has its own result, with the reasons of SaveSnapshot in the item's
     * error, so that a refused item does not end the stream. Items of one
     * execution apply in the order sent. The end of the request stream commits
     * nothing and takes nothing back.
     * The server reads no further message of a stream while 1,024 items, or
     * messages of 16 MiB, are unanswered, and while the store has as much work as
     * it can hold: items are not refused with SERVER_BUSY, the stream slows down.
     * So a client reads results while it sends. Results come in messages of up to
     * 1 MiB.
     * An item without a result, because the stream ended, may have taken effect: a
     * client sends it again, under the same request_id, in the same order, and
     * keeps no more than 32 of one execution unanswered, which is what the
     * execution remembers. A delta that names its base by request_id takes effect
     * only right after the save that it was made against, sent again or not.
     * INVALID_ARGUMENT: MALFORMED_MESSAGE, for a message that cannot be read; the
     * results of those before it come first.
     * UNAVAILABLE: SHUTTING_DOWN, after the results of what the server had read and
     * the store could take; STORE_UNAVAILABLE, and then nothing was done of what
     * has no result, unless the answer of the store itself was lost.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.stillframe.v1.SaveSnapshotsRequest> saveSnapshots(
        io.grpc.stub.StreamObserver<io.stillframe.v1.SaveSnapshotsResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getSaveSnapshotsMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Gets one snapshot of an execution: the head unless a selector names another.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND.
     * FAILED_PRECONDITION: SNAPSHOT_STALE, SNAPSHOT_AHEAD, when a bound on the
     * freshness is set.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public void loadSnapshot(io.stillframe.v1.LoadSnapshotRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.LoadSnapshotResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getLoadSnapshotMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Takes over an execution for an engine: raises its writer epoch by one and
     * returns the epoch with the head. From then on every save with a lower epoch,
     * or with none, is refused with FENCED.
     * NOT_FOUND: EXECUTION_NOT_FOUND, unless allow_missing is set.
     * FAILED_PRECONDITION: FENCED, when the epoch cannot be raised any further.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public void claimExecution(io.stillframe.v1.ClaimExecutionRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.ClaimExecutionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getClaimExecutionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Compares the heads of many executions with the heads of the engine's event
     * store, without loading any payload. An execution that does not exist is
     * MISSING, not an error.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public void checkFreshness(io.stillframe.v1.CheckFreshnessRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.CheckFreshnessResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCheckFreshnessMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the heads of the executions that a filter matches, in order of the
     * bytes of execution_id. An execution that changes while a client pages is
     * neither skipped nor listed twice.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public void listExecutions(io.stillframe.v1.ListExecutionsRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.ListExecutionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListExecutionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the snapshots of one execution, or of every execution that a filter
     * matches, by revision and version, newest first: the snapshots that came with
     * a fork all have its revision.
     * NOT_FOUND: EXECUTION_NOT_FOUND, when execution_id is set.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public void listSnapshots(io.stillframe.v1.ListSnapshotsRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.ListSnapshotsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListSnapshotsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Compares two snapshots of one execution: the entries added, removed and
     * changed in both maps, and the header fields that differ. Every page compares
     * the two snapshots that the first page did, however the execution moves on.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND; on a later page also when
     * one of the two was deleted since.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public void diffSnapshots(io.stillframe.v1.DiffSnapshotsRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.DiffSnapshotsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDiffSnapshotsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates an execution from a snapshot of another, with or without the history
     * up to there. Takes one revision, and one SAVED change for the new head.
     * Decided inside the commit, in this order: the request_id is not a replay; the
     * source exists; it has the snapshot; the new execution does not exist; the
     * quota holds. Then the snapshots are numbered in their order, from 1, or from
     * the version after the last if the new execution's name was used before. They
     * keep their snapshot ids, timestamps and labels; their revision and
     * commit_time are the fork's, and their origin says where they came from. The
     * ttl and the writer epoch of the source are not copied: the fork lives until
     * it is given a ttl, and has no epoch, unless its name has one from before.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND, for the source.
     * ALREADY_EXISTS: EXECUTION_EXISTS, for the new execution.
     * RESOURCE_EXHAUSTED: QUOTA_EXCEEDED.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public void forkExecution(io.stillframe.v1.ForkExecutionRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.ForkExecutionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getForkExecutionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes history of an execution; never its head, and never what another
     * snapshot reads as. What does not exist is passed over, and the head too. A
     * snapshot_id is free again once its snapshot is deleted; a version is not.
     * Takes no revision, and makes no change that a watch would see.
     * Decided inside the commit, in this order: the request_id is not a replay; the
     * writer is not fenced; the execution exists.
     * NOT_FOUND: EXECUTION_NOT_FOUND.
     * FAILED_PRECONDITION: FENCED.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public void deleteSnapshots(io.stillframe.v1.DeleteSnapshotsRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.DeleteSnapshotsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteSnapshotsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes an execution and its history, with its descendants if asked, and the
     * values that the working memory keeps for it.
     * Idempotent: where there is no execution, it answers OK with a count of 0. A
     * tombstone keeps the last version, the writer epoch and the request ids for
     * 30 days or more.
     * FAILED_PRECONDITION: FENCED.
     * ABORTED: ETAG_MISMATCH.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public void deleteExecution(io.stillframe.v1.DeleteExecutionRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.DeleteExecutionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteExecutionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams the changes of the executions that a filter matches.
     * Every frame after the initial state names, by its resume token, a point up
     * to which everything was delivered. A slow reader is never cut off.
     * OUT_OF_RANGE: HISTORY_COMPACTED, STORE_REPLACED, REVISION_IN_FUTURE.
     * RESOURCE_EXHAUSTED: SERVER_BUSY, for more watches than the server takes.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public void watchSnapshots(io.stillframe.v1.WatchSnapshotsRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.WatchSnapshotsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchSnapshotsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gets what the server is and which limits are in force.
     * INVALID_ARGUMENT: MALFORMED_MESSAGE.
     * </pre>
     */
    public void getServerInfo(io.stillframe.v1.GetServerInfoRequest request,
        io.grpc.stub.StreamObserver<io.stillframe.v1.GetServerInfoResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetServerInfoMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service SnapshotService.
   * <pre>
   * Saves, loads, lists and watches execution snapshots.
   * </pre>
   */
  public static final class SnapshotServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<SnapshotServiceBlockingV2Stub> {
    private SnapshotServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SnapshotServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SnapshotServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Saves a snapshot, whole or as a delta, and answers once it is durable.
     * Decided inside the commit, in this order: the request and the snapshot that
     * would result are valid; the request_id is not a replay; the writer is not
     * fenced; the preconditions hold; the delta's base is the head; the sequence
     * number does not go back; something changed; the snapshot_id is free and the
     * quota holds.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * RESOURCE_EXHAUSTED: SNAPSHOT_TOO_LARGE, QUOTA_EXCEEDED.
     * FAILED_PRECONDITION: FENCED, SEQUENCE_REGRESSION.
     * ALREADY_EXISTS: EXECUTION_EXISTS, SNAPSHOT_ID_EXISTS.
     * ABORTED: ETAG_MISMATCH, DELTA_BASE_MISMATCH.
     * NOT_FOUND: EXECUTION_NOT_FOUND, for a delta to an execution without a head.
     * </pre>
     */
    public io.stillframe.v1.SaveSnapshotResponse saveSnapshot(io.stillframe.v1.SaveSnapshotRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSaveSnapshotMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Saves many snapshots in a pipeline; how an engine saves fast.
     * Each item has its own result, with the reasons of SaveSnapshot in the item's
     * error, so that a refused item does not end the stream. Items of one
     * execution apply in the order sent. The end of the request stream commits
     * nothing and takes nothing back.
     * The server reads no further message of a stream while 1,024 items, or
     * messages of 16 MiB, are unanswered, and while the store has as much work as
     * it can hold: items are not refused with SERVER_BUSY, the stream slows down.
     * So a client reads results while it sends. Results come in messages of up to
     * 1 MiB.
     * An item without a result, because the stream ended, may have taken effect: a
     * client sends it again, under the same request_id, in the same order, and
     * keeps no more than 32 of one execution unanswered, which is what the
     * execution remembers. A delta that names its base by request_id takes effect
     * only right after the save that it was made against, sent again or not.
     * INVALID_ARGUMENT: MALFORMED_MESSAGE, for a message that cannot be read; the
     * results of those before it come first.
     * UNAVAILABLE: SHUTTING_DOWN, after the results of what the server had read and
     * the store could take; STORE_UNAVAILABLE, and then nothing was done of what
     * has no result, unless the answer of the store itself was lost.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.stillframe.v1.SaveSnapshotsRequest, io.stillframe.v1.SaveSnapshotsResponse>
        saveSnapshots() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getSaveSnapshotsMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Gets one snapshot of an execution: the head unless a selector names another.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND.
     * FAILED_PRECONDITION: SNAPSHOT_STALE, SNAPSHOT_AHEAD, when a bound on the
     * freshness is set.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.LoadSnapshotResponse loadSnapshot(io.stillframe.v1.LoadSnapshotRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getLoadSnapshotMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes over an execution for an engine: raises its writer epoch by one and
     * returns the epoch with the head. From then on every save with a lower epoch,
     * or with none, is refused with FENCED.
     * NOT_FOUND: EXECUTION_NOT_FOUND, unless allow_missing is set.
     * FAILED_PRECONDITION: FENCED, when the epoch cannot be raised any further.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.ClaimExecutionResponse claimExecution(io.stillframe.v1.ClaimExecutionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getClaimExecutionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Compares the heads of many executions with the heads of the engine's event
     * store, without loading any payload. An execution that does not exist is
     * MISSING, not an error.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.CheckFreshnessResponse checkFreshness(io.stillframe.v1.CheckFreshnessRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCheckFreshnessMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the heads of the executions that a filter matches, in order of the
     * bytes of execution_id. An execution that changes while a client pages is
     * neither skipped nor listed twice.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public io.stillframe.v1.ListExecutionsResponse listExecutions(io.stillframe.v1.ListExecutionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListExecutionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the snapshots of one execution, or of every execution that a filter
     * matches, by revision and version, newest first: the snapshots that came with
     * a fork all have its revision.
     * NOT_FOUND: EXECUTION_NOT_FOUND, when execution_id is set.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public io.stillframe.v1.ListSnapshotsResponse listSnapshots(io.stillframe.v1.ListSnapshotsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListSnapshotsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Compares two snapshots of one execution: the entries added, removed and
     * changed in both maps, and the header fields that differ. Every page compares
     * the two snapshots that the first page did, however the execution moves on.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND; on a later page also when
     * one of the two was deleted since.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public io.stillframe.v1.DiffSnapshotsResponse diffSnapshots(io.stillframe.v1.DiffSnapshotsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDiffSnapshotsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates an execution from a snapshot of another, with or without the history
     * up to there. Takes one revision, and one SAVED change for the new head.
     * Decided inside the commit, in this order: the request_id is not a replay; the
     * source exists; it has the snapshot; the new execution does not exist; the
     * quota holds. Then the snapshots are numbered in their order, from 1, or from
     * the version after the last if the new execution's name was used before. They
     * keep their snapshot ids, timestamps and labels; their revision and
     * commit_time are the fork's, and their origin says where they came from. The
     * ttl and the writer epoch of the source are not copied: the fork lives until
     * it is given a ttl, and has no epoch, unless its name has one from before.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND, for the source.
     * ALREADY_EXISTS: EXECUTION_EXISTS, for the new execution.
     * RESOURCE_EXHAUSTED: QUOTA_EXCEEDED.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public io.stillframe.v1.ForkExecutionResponse forkExecution(io.stillframe.v1.ForkExecutionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getForkExecutionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes history of an execution; never its head, and never what another
     * snapshot reads as. What does not exist is passed over, and the head too. A
     * snapshot_id is free again once its snapshot is deleted; a version is not.
     * Takes no revision, and makes no change that a watch would see.
     * Decided inside the commit, in this order: the request_id is not a replay; the
     * writer is not fenced; the execution exists.
     * NOT_FOUND: EXECUTION_NOT_FOUND.
     * FAILED_PRECONDITION: FENCED.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public io.stillframe.v1.DeleteSnapshotsResponse deleteSnapshots(io.stillframe.v1.DeleteSnapshotsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteSnapshotsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes an execution and its history, with its descendants if asked, and the
     * values that the working memory keeps for it.
     * Idempotent: where there is no execution, it answers OK with a count of 0. A
     * tombstone keeps the last version, the writer epoch and the request ids for
     * 30 days or more.
     * FAILED_PRECONDITION: FENCED.
     * ABORTED: ETAG_MISMATCH.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public io.stillframe.v1.DeleteExecutionResponse deleteExecution(io.stillframe.v1.DeleteExecutionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteExecutionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the changes of the executions that a filter matches.
     * Every frame after the initial state names, by its resume token, a point up
     * to which everything was delivered. A slow reader is never cut off.
     * OUT_OF_RANGE: HISTORY_COMPACTED, STORE_REPLACED, REVISION_IN_FUTURE.
     * RESOURCE_EXHAUSTED: SERVER_BUSY, for more watches than the server takes.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.stillframe.v1.WatchSnapshotsResponse>
        watchSnapshots(io.stillframe.v1.WatchSnapshotsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchSnapshotsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets what the server is and which limits are in force.
     * INVALID_ARGUMENT: MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.GetServerInfoResponse getServerInfo(io.stillframe.v1.GetServerInfoRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetServerInfoMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service SnapshotService.
   * <pre>
   * Saves, loads, lists and watches execution snapshots.
   * </pre>
   */
  public static final class SnapshotServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<SnapshotServiceBlockingStub> {
    private SnapshotServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SnapshotServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SnapshotServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Saves a snapshot, whole or as a delta, and answers once it is durable.
     * Decided inside the commit, in this order: the request and the snapshot that
     * would result are valid; the request_id is not a replay; the writer is not
     * fenced; the preconditions hold; the delta's base is the head; the sequence
     * number does not go back; something changed; the snapshot_id is free and the
     * quota holds.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * RESOURCE_EXHAUSTED: SNAPSHOT_TOO_LARGE, QUOTA_EXCEEDED.
     * FAILED_PRECONDITION: FENCED, SEQUENCE_REGRESSION.
     * ALREADY_EXISTS: EXECUTION_EXISTS, SNAPSHOT_ID_EXISTS.
     * ABORTED: ETAG_MISMATCH, DELTA_BASE_MISMATCH.
     * NOT_FOUND: EXECUTION_NOT_FOUND, for a delta to an execution without a head.
     * </pre>
     */
    public io.stillframe.v1.SaveSnapshotResponse saveSnapshot(io.stillframe.v1.SaveSnapshotRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSaveSnapshotMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets one snapshot of an execution: the head unless a selector names another.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND.
     * FAILED_PRECONDITION: SNAPSHOT_STALE, SNAPSHOT_AHEAD, when a bound on the
     * freshness is set.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.LoadSnapshotResponse loadSnapshot(io.stillframe.v1.LoadSnapshotRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getLoadSnapshotMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes over an execution for an engine: raises its writer epoch by one and
     * returns the epoch with the head. From then on every save with a lower epoch,
     * or with none, is refused with FENCED.
     * NOT_FOUND: EXECUTION_NOT_FOUND, unless allow_missing is set.
     * FAILED_PRECONDITION: FENCED, when the epoch cannot be raised any further.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.ClaimExecutionResponse claimExecution(io.stillframe.v1.ClaimExecutionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getClaimExecutionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Compares the heads of many executions with the heads of the engine's event
     * store, without loading any payload. An execution that does not exist is
     * MISSING, not an error.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.CheckFreshnessResponse checkFreshness(io.stillframe.v1.CheckFreshnessRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCheckFreshnessMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the heads of the executions that a filter matches, in order of the
     * bytes of execution_id. An execution that changes while a client pages is
     * neither skipped nor listed twice.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public io.stillframe.v1.ListExecutionsResponse listExecutions(io.stillframe.v1.ListExecutionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListExecutionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the snapshots of one execution, or of every execution that a filter
     * matches, by revision and version, newest first: the snapshots that came with
     * a fork all have its revision.
     * NOT_FOUND: EXECUTION_NOT_FOUND, when execution_id is set.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public io.stillframe.v1.ListSnapshotsResponse listSnapshots(io.stillframe.v1.ListSnapshotsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListSnapshotsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Compares two snapshots of one execution: the entries added, removed and
     * changed in both maps, and the header fields that differ. Every page compares
     * the two snapshots that the first page did, however the execution moves on.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND; on a later page also when
     * one of the two was deleted since.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public io.stillframe.v1.DiffSnapshotsResponse diffSnapshots(io.stillframe.v1.DiffSnapshotsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDiffSnapshotsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates an execution from a snapshot of another, with or without the history
     * up to there. Takes one revision, and one SAVED change for the new head.
     * Decided inside the commit, in this order: the request_id is not a replay; the
     * source exists; it has the snapshot; the new execution does not exist; the
     * quota holds. Then the snapshots are numbered in their order, from 1, or from
     * the version after the last if the new execution's name was used before. They
     * keep their snapshot ids, timestamps and labels; their revision and
     * commit_time are the fork's, and their origin says where they came from. The
     * ttl and the writer epoch of the source are not copied: the fork lives until
     * it is given a ttl, and has no epoch, unless its name has one from before.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND, for the source.
     * ALREADY_EXISTS: EXECUTION_EXISTS, for the new execution.
     * RESOURCE_EXHAUSTED: QUOTA_EXCEEDED.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public io.stillframe.v1.ForkExecutionResponse forkExecution(io.stillframe.v1.ForkExecutionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getForkExecutionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes history of an execution; never its head, and never what another
     * snapshot reads as. What does not exist is passed over, and the head too. A
     * snapshot_id is free again once its snapshot is deleted; a version is not.
     * Takes no revision, and makes no change that a watch would see.
     * Decided inside the commit, in this order: the request_id is not a replay; the
     * writer is not fenced; the execution exists.
     * NOT_FOUND: EXECUTION_NOT_FOUND.
     * FAILED_PRECONDITION: FENCED.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public io.stillframe.v1.DeleteSnapshotsResponse deleteSnapshots(io.stillframe.v1.DeleteSnapshotsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteSnapshotsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes an execution and its history, with its descendants if asked, and the
     * values that the working memory keeps for it.
     * Idempotent: where there is no execution, it answers OK with a count of 0. A
     * tombstone keeps the last version, the writer epoch and the request ids for
     * 30 days or more.
     * FAILED_PRECONDITION: FENCED.
     * ABORTED: ETAG_MISMATCH.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public io.stillframe.v1.DeleteExecutionResponse deleteExecution(io.stillframe.v1.DeleteExecutionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteExecutionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the changes of the executions that a filter matches.
     * Every frame after the initial state names, by its resume token, a point up
     * to which everything was delivered. A slow reader is never cut off.
     * OUT_OF_RANGE: HISTORY_COMPACTED, STORE_REPLACED, REVISION_IN_FUTURE.
     * RESOURCE_EXHAUSTED: SERVER_BUSY, for more watches than the server takes.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public java.util.Iterator<io.stillframe.v1.WatchSnapshotsResponse> watchSnapshots(
        io.stillframe.v1.WatchSnapshotsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchSnapshotsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gets what the server is and which limits are in force.
     * INVALID_ARGUMENT: MALFORMED_MESSAGE.
     * </pre>
     */
    public io.stillframe.v1.GetServerInfoResponse getServerInfo(io.stillframe.v1.GetServerInfoRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetServerInfoMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service SnapshotService.
   * <pre>
   * Saves, loads, lists and watches execution snapshots.
   * </pre>
   */
  public static final class SnapshotServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<SnapshotServiceFutureStub> {
    private SnapshotServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SnapshotServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SnapshotServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Saves a snapshot, whole or as a delta, and answers once it is durable.
     * Decided inside the commit, in this order: the request and the snapshot that
     * would result are valid; the request_id is not a replay; the writer is not
     * fenced; the preconditions hold; the delta's base is the head; the sequence
     * number does not go back; something changed; the snapshot_id is free and the
     * quota holds.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * RESOURCE_EXHAUSTED: SNAPSHOT_TOO_LARGE, QUOTA_EXCEEDED.
     * FAILED_PRECONDITION: FENCED, SEQUENCE_REGRESSION.
     * ALREADY_EXISTS: EXECUTION_EXISTS, SNAPSHOT_ID_EXISTS.
     * ABORTED: ETAG_MISMATCH, DELTA_BASE_MISMATCH.
     * NOT_FOUND: EXECUTION_NOT_FOUND, for a delta to an execution without a head.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.SaveSnapshotResponse> saveSnapshot(
        io.stillframe.v1.SaveSnapshotRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSaveSnapshotMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets one snapshot of an execution: the head unless a selector names another.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND.
     * FAILED_PRECONDITION: SNAPSHOT_STALE, SNAPSHOT_AHEAD, when a bound on the
     * freshness is set.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.LoadSnapshotResponse> loadSnapshot(
        io.stillframe.v1.LoadSnapshotRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getLoadSnapshotMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Takes over an execution for an engine: raises its writer epoch by one and
     * returns the epoch with the head. From then on every save with a lower epoch,
     * or with none, is refused with FENCED.
     * NOT_FOUND: EXECUTION_NOT_FOUND, unless allow_missing is set.
     * FAILED_PRECONDITION: FENCED, when the epoch cannot be raised any further.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.ClaimExecutionResponse> claimExecution(
        io.stillframe.v1.ClaimExecutionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getClaimExecutionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Compares the heads of many executions with the heads of the engine's event
     * store, without loading any payload. An execution that does not exist is
     * MISSING, not an error.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.CheckFreshnessResponse> checkFreshness(
        io.stillframe.v1.CheckFreshnessRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCheckFreshnessMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the heads of the executions that a filter matches, in order of the
     * bytes of execution_id. An execution that changes while a client pages is
     * neither skipped nor listed twice.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.ListExecutionsResponse> listExecutions(
        io.stillframe.v1.ListExecutionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListExecutionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the snapshots of one execution, or of every execution that a filter
     * matches, by revision and version, newest first: the snapshots that came with
     * a fork all have its revision.
     * NOT_FOUND: EXECUTION_NOT_FOUND, when execution_id is set.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.ListSnapshotsResponse> listSnapshots(
        io.stillframe.v1.ListSnapshotsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListSnapshotsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Compares two snapshots of one execution: the entries added, removed and
     * changed in both maps, and the header fields that differ. Every page compares
     * the two snapshots that the first page did, however the execution moves on.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND; on a later page also when
     * one of the two was deleted since.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, PAGE_TOKEN_MISMATCH.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.DiffSnapshotsResponse> diffSnapshots(
        io.stillframe.v1.DiffSnapshotsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDiffSnapshotsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates an execution from a snapshot of another, with or without the history
     * up to there. Takes one revision, and one SAVED change for the new head.
     * Decided inside the commit, in this order: the request_id is not a replay; the
     * source exists; it has the snapshot; the new execution does not exist; the
     * quota holds. Then the snapshots are numbered in their order, from 1, or from
     * the version after the last if the new execution's name was used before. They
     * keep their snapshot ids, timestamps and labels; their revision and
     * commit_time are the fork's, and their origin says where they came from. The
     * ttl and the writer epoch of the source are not copied: the fork lives until
     * it is given a ttl, and has no epoch, unless its name has one from before.
     * NOT_FOUND: EXECUTION_NOT_FOUND, SNAPSHOT_NOT_FOUND, for the source.
     * ALREADY_EXISTS: EXECUTION_EXISTS, for the new execution.
     * RESOURCE_EXHAUSTED: QUOTA_EXCEEDED.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.ForkExecutionResponse> forkExecution(
        io.stillframe.v1.ForkExecutionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getForkExecutionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes history of an execution; never its head, and never what another
     * snapshot reads as. What does not exist is passed over, and the head too. A
     * snapshot_id is free again once its snapshot is deleted; a version is not.
     * Takes no revision, and makes no change that a watch would see.
     * Decided inside the commit, in this order: the request_id is not a replay; the
     * writer is not fenced; the execution exists.
     * NOT_FOUND: EXECUTION_NOT_FOUND.
     * FAILED_PRECONDITION: FENCED.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.DeleteSnapshotsResponse> deleteSnapshots(
        io.stillframe.v1.DeleteSnapshotsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteSnapshotsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes an execution and its history, with its descendants if asked, and the
     * values that the working memory keeps for it.
     * Idempotent: where there is no execution, it answers OK with a count of 0. A
     * tombstone keeps the last version, the writer epoch and the request ids for
     * 30 days or more.
     * FAILED_PRECONDITION: FENCED.
     * ABORTED: ETAG_MISMATCH.
     * INVALID_ARGUMENT: INVALID_FIELD, MALFORMED_MESSAGE, REQUEST_ID_REUSED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.DeleteExecutionResponse> deleteExecution(
        io.stillframe.v1.DeleteExecutionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteExecutionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gets what the server is and which limits are in force.
     * INVALID_ARGUMENT: MALFORMED_MESSAGE.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.stillframe.v1.GetServerInfoResponse> getServerInfo(
        io.stillframe.v1.GetServerInfoRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetServerInfoMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_SAVE_SNAPSHOT = 0;
  private static final int METHODID_LOAD_SNAPSHOT = 1;
  private static final int METHODID_CLAIM_EXECUTION = 2;
  private static final int METHODID_CHECK_FRESHNESS = 3;
  private static final int METHODID_LIST_EXECUTIONS = 4;
  private static final int METHODID_LIST_SNAPSHOTS = 5;
  private static final int METHODID_DIFF_SNAPSHOTS = 6;
  private static final int METHODID_FORK_EXECUTION = 7;
  private static final int METHODID_DELETE_SNAPSHOTS = 8;
  private static final int METHODID_DELETE_EXECUTION = 9;
  private static final int METHODID_WATCH_SNAPSHOTS = 10;
  private static final int METHODID_GET_SERVER_INFO = 11;
  private static final int METHODID_SAVE_SNAPSHOTS = 12;

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
        case METHODID_SAVE_SNAPSHOT:
          serviceImpl.saveSnapshot((io.stillframe.v1.SaveSnapshotRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.SaveSnapshotResponse>) responseObserver);
          break;
        case METHODID_LOAD_SNAPSHOT:
          serviceImpl.loadSnapshot((io.stillframe.v1.LoadSnapshotRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.LoadSnapshotResponse>) responseObserver);
          break;
        case METHODID_CLAIM_EXECUTION:
          serviceImpl.claimExecution((io.stillframe.v1.ClaimExecutionRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.ClaimExecutionResponse>) responseObserver);
          break;
        case METHODID_CHECK_FRESHNESS:
          serviceImpl.checkFreshness((io.stillframe.v1.CheckFreshnessRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.CheckFreshnessResponse>) responseObserver);
          break;
        case METHODID_LIST_EXECUTIONS:
          serviceImpl.listExecutions((io.stillframe.v1.ListExecutionsRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.ListExecutionsResponse>) responseObserver);
          break;
        case METHODID_LIST_SNAPSHOTS:
          serviceImpl.listSnapshots((io.stillframe.v1.ListSnapshotsRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.ListSnapshotsResponse>) responseObserver);
          break;
        case METHODID_DIFF_SNAPSHOTS:
          serviceImpl.diffSnapshots((io.stillframe.v1.DiffSnapshotsRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.DiffSnapshotsResponse>) responseObserver);
          break;
        case METHODID_FORK_EXECUTION:
          serviceImpl.forkExecution((io.stillframe.v1.ForkExecutionRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.ForkExecutionResponse>) responseObserver);
          break;
        case METHODID_DELETE_SNAPSHOTS:
          serviceImpl.deleteSnapshots((io.stillframe.v1.DeleteSnapshotsRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.DeleteSnapshotsResponse>) responseObserver);
          break;
        case METHODID_DELETE_EXECUTION:
          serviceImpl.deleteExecution((io.stillframe.v1.DeleteExecutionRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.DeleteExecutionResponse>) responseObserver);
          break;
        case METHODID_WATCH_SNAPSHOTS:
          serviceImpl.watchSnapshots((io.stillframe.v1.WatchSnapshotsRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.WatchSnapshotsResponse>) responseObserver);
          break;
        case METHODID_GET_SERVER_INFO:
          serviceImpl.getServerInfo((io.stillframe.v1.GetServerInfoRequest) request,
              (io.grpc.stub.StreamObserver<io.stillframe.v1.GetServerInfoResponse>) responseObserver);
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
        case METHODID_SAVE_SNAPSHOTS:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.saveSnapshots(
              (io.grpc.stub.StreamObserver<io.stillframe.v1.SaveSnapshotsResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getSaveSnapshotMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.SaveSnapshotRequest,
              io.stillframe.v1.SaveSnapshotResponse>(
                service, METHODID_SAVE_SNAPSHOT)))
        .addMethod(
          getSaveSnapshotsMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.stillframe.v1.SaveSnapshotsRequest,
              io.stillframe.v1.SaveSnapshotsResponse>(
                service, METHODID_SAVE_SNAPSHOTS)))
        .addMethod(
          getLoadSnapshotMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.LoadSnapshotRequest,
              io.stillframe.v1.LoadSnapshotResponse>(
                service, METHODID_LOAD_SNAPSHOT)))
        .addMethod(
          getClaimExecutionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.ClaimExecutionRequest,
              io.stillframe.v1.ClaimExecutionResponse>(
                service, METHODID_CLAIM_EXECUTION)))
        .addMethod(
          getCheckFreshnessMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.CheckFreshnessRequest,
              io.stillframe.v1.CheckFreshnessResponse>(
                service, METHODID_CHECK_FRESHNESS)))
        .addMethod(
          getListExecutionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.ListExecutionsRequest,
              io.stillframe.v1.ListExecutionsResponse>(
                service, METHODID_LIST_EXECUTIONS)))
        .addMethod(
          getListSnapshotsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.ListSnapshotsRequest,
              io.stillframe.v1.ListSnapshotsResponse>(
                service, METHODID_LIST_SNAPSHOTS)))
        .addMethod(
          getDiffSnapshotsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.DiffSnapshotsRequest,
              io.stillframe.v1.DiffSnapshotsResponse>(
                service, METHODID_DIFF_SNAPSHOTS)))
        .addMethod(
          getForkExecutionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.ForkExecutionRequest,
              io.stillframe.v1.ForkExecutionResponse>(
                service, METHODID_FORK_EXECUTION)))
        .addMethod(
          getDeleteSnapshotsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.DeleteSnapshotsRequest,
              io.stillframe.v1.DeleteSnapshotsResponse>(
                service, METHODID_DELETE_SNAPSHOTS)))
        .addMethod(
          getDeleteExecutionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.DeleteExecutionRequest,
              io.stillframe.v1.DeleteExecutionResponse>(
                service, METHODID_DELETE_EXECUTION)))
        .addMethod(
          getWatchSnapshotsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.stillframe.v1.WatchSnapshotsRequest,
              io.stillframe.v1.WatchSnapshotsResponse>(
                service, METHODID_WATCH_SNAPSHOTS)))
        .addMethod(
          getGetServerInfoMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.stillframe.v1.GetServerInfoRequest,
              io.stillframe.v1.GetServerInfoResponse>(
                service, METHODID_GET_SERVER_INFO)))
        .build();
  }

  private static abstract class SnapshotServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    SnapshotServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.stillframe.v1.SnapshotServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("SnapshotService");
    }
  }

  private static final class SnapshotServiceFileDescriptorSupplier
      extends SnapshotServiceBaseDescriptorSupplier {
    SnapshotServiceFileDescriptorSupplier() {}
  }

  private static final class SnapshotServiceMethodDescriptorSupplier
      extends SnapshotServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    SnapshotServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (SnapshotServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new SnapshotServiceFileDescriptorSupplier())
              .addMethod(getSaveSnapshotMethod())
              .addMethod(getSaveSnapshotsMethod())
              .addMethod(getLoadSnapshotMethod())
              .addMethod(getClaimExecutionMethod())
              .addMethod(getCheckFreshnessMethod())
              .addMethod(getListExecutionsMethod())
              .addMethod(getListSnapshotsMethod())
              .addMethod(getDiffSnapshotsMethod())
              .addMethod(getForkExecutionMethod())
              .addMethod(getDeleteSnapshotsMethod())
              .addMethod(getDeleteExecutionMethod())
              .addMethod(getWatchSnapshotsMethod())
              .addMethod(getGetServerInfoMethod())
              .build();
        }
      }
    }
    return result;
  }
}
