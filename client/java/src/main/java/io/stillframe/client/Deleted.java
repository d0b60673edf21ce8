package io.stillframe.client;

import io.stillframe.v1.DeleteExecutionResponse;

/**
 * The answer to a delete.
 *
 * @param deletedCount how many executions were deleted, descendants included
 * @param revision the tenant's revision of the delete; 0 when there was nothing to delete
 * @param resumeToken names that revision; empty when there was nothing to delete
 */
public record Deleted(long deletedCount, long revision, String resumeToken) {
    static Deleted of(DeleteExecutionResponse message) {
        return new Deleted(
                message.getDeletedCount(), message.getRevision(), message.getResumeToken());
    }
}
