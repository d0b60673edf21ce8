package io.stillframe.client.errors;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The base of every error of a call. One class below it for each status code, one below that for
 * each reason of error.proto, so that a caller catches as widely as it needs:
 *
 * <pre>
 * StillframeException
 * ├── InvalidArgumentException
 * │   ├── InvalidFieldException
 * │   │   └── IncompleteSnapshotException   (the client's own)
 * │   ├── MalformedMessageException
 * │   ├── PageTokenMismatchException
 * │   ├── RequestIdReusedException
 * │   └── ValueEncodeException              (the client's own)
 * ├── NotFoundException
 * │   ├── ExecutionNotFoundException
 * │   ├── SnapshotNotFoundException
 * │   └── ValueNotFoundException
 * ├── AlreadyExistsException
 * │   ├── ExecutionExistsException
 * │   ├── SnapshotIdExistsException
 * │   └── ValueExistsException
 * ├── AbortedException
 * │   ├── EtagMismatchException
 * │   └── DeltaBaseMismatchException
 * ├── FailedPreconditionException
 * │   ├── FencedException
 * │   ├── SequenceRegressionException
 * │   ├── SnapshotStaleException
 * │   ├── SnapshotAheadException
 * │   └── ClosedException                   (the client's own)
 * ├── OutOfRangeException
 * │   ├── HistoryCompactedException
 * │   ├── StoreReplacedException
 * │   └── RevisionInFutureException
 * ├── ResourceExhaustedException
 * │   ├── SnapshotTooLargeException
 * │   ├── ValueTooLargeException
 * │   ├── QuotaExceededException
 * │   ├── RateLimitedException
 * │   └── ServerBusyException
 * ├── UnauthenticatedException
 * │   ├── CredentialsRequiredException
 * │   └── CredentialsInvalidException
 * ├── PermissionDeniedException
 * │   ├── TenantDeniedException
 * │   └── ScopeDeniedException
 * ├── UnavailableException
 * │   ├── StoreUnavailableException
 * │   └── ShuttingDownException
 * ├── InternalException                     (reason INTERNAL)
 * ├── UnimplementedException                (reason UNIMPLEMENTED)
 * ├── DeadlineExceededException
 * ├── CallCancelledException
 * ├── DataLossException
 * │   └── ValueDecodeException              (the client's own)
 * └── UnknownException
 * </pre>
 *
 * <p>A reason that this version does not know has the class of its code, and keeps its text.
 */
public abstract class StillframeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Status.Code code;
    private final ErrorDetails details;

    StillframeException(Status.Code code, String message, ErrorDetails details, Throwable cause) {
        super(message, cause);
        this.code = code;
        this.details = details;
    }

    /**
     * The status code of the failure; of an error that the client raises itself, the code that a
     * server would have answered with.
     */
    public final Status.Code code() {
        return code;
    }

    /** The name in error.proto, such as {@code ETAG_MISMATCH}; empty when there is none. */
    public final String reason() {
        return details.reason();
    }

    /** The values that the message mentions, under the keys that error.proto gives. */
    public final Map<String, String> metadata() {
        return details.metadata();
    }

    /** The refused fields. */
    public final List<FieldViolation> violations() {
        return details.violations();
    }

    /** The wait before another try that the server asks for. */
    public final Optional<Duration> retryAfter() {
        return details.retryAfter();
    }

    /** All of the above but the code. */
    public final ErrorDetails details() {
        return details;
    }

    /** With the reason, which the class does not name if it is a newer server's. */
    @Override
    public String toString() {
        String reason = reason().isEmpty() ? "" : " [" + reason() + "]";
        return getClass().getName() + reason + ": " + getMessage();
    }
}
