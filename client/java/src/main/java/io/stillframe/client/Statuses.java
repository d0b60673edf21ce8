package io.stillframe.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.stillframe.client.errors.*;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How a gRPC status becomes an error: by the reason of its ErrorInfo if that is one of
 * Stillframe's (error.proto), otherwise by its code.
 */
final class Statuses {
    static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    private static final String DOMAIN = "stillframe";

    /** Makes an error of one class. */
    interface Maker {
        StillframeException make(String message, ErrorDetails details, Throwable cause);
    }

    static final Map<String, Maker> BY_REASON =
            Map.ofEntries(
                    Map.entry("INVALID_FIELD", InvalidFieldException::new),
                    Map.entry("MALFORMED_MESSAGE", MalformedMessageException::new),
                    Map.entry("PAGE_TOKEN_MISMATCH", PageTokenMismatchException::new),
                    Map.entry("REQUEST_ID_REUSED", RequestIdReusedException::new),
                    Map.entry("EXECUTION_NOT_FOUND", ExecutionNotFoundException::new),
                    Map.entry("SNAPSHOT_NOT_FOUND", SnapshotNotFoundException::new),
                    Map.entry("VALUE_NOT_FOUND", ValueNotFoundException::new),
                    Map.entry("EXECUTION_EXISTS", ExecutionExistsException::new),
                    Map.entry("SNAPSHOT_ID_EXISTS", SnapshotIdExistsException::new),
                    Map.entry("VALUE_EXISTS", ValueExistsException::new),
                    Map.entry("ETAG_MISMATCH", EtagMismatchException::new),
                    Map.entry("DELTA_BASE_MISMATCH", DeltaBaseMismatchException::new),
                    Map.entry("FENCED", FencedException::new),
                    Map.entry("SEQUENCE_REGRESSION", SequenceRegressionException::new),
                    Map.entry("SNAPSHOT_STALE", SnapshotStaleException::new),
                    Map.entry("SNAPSHOT_AHEAD", SnapshotAheadException::new),
                    Map.entry("HISTORY_COMPACTED", HistoryCompactedException::new),
                    Map.entry("STORE_REPLACED", StoreReplacedException::new),
                    Map.entry("REVISION_IN_FUTURE", RevisionInFutureException::new),
                    Map.entry("SNAPSHOT_TOO_LARGE", SnapshotTooLargeException::new),
                    Map.entry("VALUE_TOO_LARGE", ValueTooLargeException::new),
                    Map.entry("QUOTA_EXCEEDED", QuotaExceededException::new),
                    Map.entry("RATE_LIMITED", RateLimitedException::new),
                    Map.entry("SERVER_BUSY", ServerBusyException::new),
                    Map.entry("CREDENTIALS_REQUIRED", CredentialsRequiredException::new),
                    Map.entry("CREDENTIALS_INVALID", CredentialsInvalidException::new),
                    Map.entry("TENANT_DENIED", TenantDeniedException::new),
                    Map.entry("SCOPE_DENIED", ScopeDeniedException::new),
                    Map.entry("STORE_UNAVAILABLE", StoreUnavailableException::new),
                    Map.entry("SHUTTING_DOWN", ShuttingDownException::new),
                    Map.entry("INTERNAL", InternalException::new),
                    Map.entry("UNIMPLEMENTED", UnimplementedException::new));

    static final Map<Status.Code, Maker> BY_CODE =
            Map.ofEntries(
                    Map.entry(Status.Code.INVALID_ARGUMENT, InvalidArgumentException::new),
                    Map.entry(Status.Code.NOT_FOUND, NotFoundException::new),
                    Map.entry(Status.Code.ALREADY_EXISTS, AlreadyExistsException::new),
                    Map.entry(Status.Code.ABORTED, AbortedException::new),
                    Map.entry(Status.Code.FAILED_PRECONDITION, FailedPreconditionException::new),
                    Map.entry(Status.Code.OUT_OF_RANGE, OutOfRangeException::new),
                    Map.entry(Status.Code.RESOURCE_EXHAUSTED, ResourceExhaustedException::new),
                    Map.entry(Status.Code.UNAUTHENTICATED, UnauthenticatedException::new),
                    Map.entry(Status.Code.PERMISSION_DENIED, PermissionDeniedException::new),
                    Map.entry(Status.Code.UNAVAILABLE, UnavailableException::new),
                    Map.entry(Status.Code.INTERNAL, InternalException::new),
                    Map.entry(Status.Code.UNIMPLEMENTED, UnimplementedException::new),
                    Map.entry(Status.Code.DEADLINE_EXCEEDED, DeadlineExceededException::new),
                    Map.entry(Status.Code.CANCELLED, CallCancelledException::new),
                    Map.entry(Status.Code.DATA_LOSS, DataLossException::new));

    private Statuses() {}

    static StillframeException error(StatusRuntimeException failure) {
        return error(failure.getStatus(), failure.getTrailers());
    }

    static StillframeException error(Status status, Metadata trailers) {
        byte[] bytes = trailers == null ? null : trailers.get(DETAILS);
        ErrorDetails details = details(bytes == null ? new byte[0] : bytes);
        // Not gRPC's own exception, which says no more, and cannot be serialized.
        Throwable cause = status.getCause();
        return maker(status.getCode(), details).make(message(status), details, cause);
    }

    private static String message(Status status) {
        String message = status.getDescription() == null ? "" : status.getDescription();
        // gRPC's own words are "io exception", whatever it was.
        boolean vague = status.getCause() instanceof IOException;
        return vague ? message + ": " + status.getCause().getMessage() : message;
    }

    /**
     * The same error anew, for another caller: one object given to two would share a stack trace,
     * and a try-with-resources that meets it twice fails by suppressing it with itself.
     */
    static StillframeException again(StillframeException error) {
        if (error instanceof ClosedException) {
            return new ClosedException(error.getMessage());
        }
        Maker maker = maker(error.code(), error.details());
        return maker.make(error.getMessage(), error.details(), error);
    }

    private static Maker maker(Status.Code code, ErrorDetails details) {
        Maker byCode = BY_CODE.getOrDefault(code, UnknownException::new);
        return BY_REASON.getOrDefault(details.reason(), byCode);
    }

    private static ErrorDetails details(byte[] bytes) {
        String reason = "";
        Map<String, String> metadata = new HashMap<>();
        List<FieldViolation> violations = new ArrayList<>();
        Duration retryAfter = null;
        try {
            for (Any detail : com.google.rpc.Status.parseFrom(bytes).getDetailsList()) {
                if (detail.is(ErrorInfo.class)) {
                    ErrorInfo info = detail.unpack(ErrorInfo.class);
                    // Another domain is a proxy's or a mesh's: its reasons are not ours.
                    if (info.getDomain().equals(DOMAIN)) {
                        reason = info.getReason();
                        metadata.putAll(info.getMetadataMap());
                    }
                } else if (detail.is(RetryInfo.class)) {
                    Duration delay = Times.duration(detail.unpack(RetryInfo.class).getRetryDelay());
                    retryAfter = delay.isNegative() ? Duration.ZERO : delay;
                } else if (detail.is(BadRequest.class)) {
                    for (BadRequest.FieldViolation each :
                            detail.unpack(BadRequest.class).getFieldViolationsList()) {
                        violations.add(new FieldViolation(each.getField(), each.getDescription()));
                    }
                }
            }
        } catch (InvalidProtocolBufferException unreadable) {
            // Details that cannot be read must not hide the status that they came with.
        }
        return new ErrorDetails(reason, metadata, violations, retryAfter);
    }
}
