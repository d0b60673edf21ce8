package io.stillframe.client;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Map;

/** Errors as a server answers them. */
final class Errors {
    private Errors() {}

    static StatusRuntimeException of(Status.Code code, Message... details) {
        com.google.rpc.Status.Builder status =
                com.google.rpc.Status.newBuilder().setCode(code.value());
        for (Message detail : details) {
            status.addDetails(Any.pack(detail));
        }
        Metadata trailers = new Metadata();
        trailers.put(Statuses.DETAILS, status.build().toByteArray());
        return code.toStatus().withDescription("it failed").asRuntimeException(trailers);
    }

    static StatusRuntimeException of(Status.Code code, String reason) {
        return of(code, info(reason, Map.of()));
    }

    static StatusRuntimeException of(Status.Code code, String reason, Duration retryAfter) {
        return of(code, info(reason, Map.of()), retry(retryAfter));
    }

    static ErrorInfo info(String reason, Map<String, String> metadata) {
        return ErrorInfo.newBuilder()
                .setDomain("stillframe")
                .setReason(reason)
                .putAllMetadata(metadata)
                .build();
    }

    static RetryInfo retry(Duration delay) {
        return RetryInfo.newBuilder().setRetryDelay(Times.message("delay", delay)).build();
    }
}
