package io.stillframe.client.errors;

import io.grpc.Status;

/** DATA_LOSS: what was stored cannot be read. */
public class DataLossException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public DataLossException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.DATA_LOSS, message, details, cause);
    }
}
