"""The rules by which an execution, or history of one, is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillframe.server.stores import refusals
from stillframe.server.stores.execution import digest
from stillframe.server.stores.filters import has_labels, meets
from stillframe.server.stores.marks import resume_token
from stillframe.v1.snapshot_service_pb2 import (
    DeleteExecutionRequest,
    DeleteExecutionResponse,
    DeleteSnapshotsRequest,
    DeleteSnapshotsResponse,
)

if TYPE_CHECKING:
    from stillframe.server.stores.execution import Execution
    from stillframe.server.stores.records import Head
    from stillframe.v1.snapshot_pb2 import ExecutionSnapshot


class Delete:
    """A DeleteExecutionRequest, decided by the rules of a save that apply to it."""

    def __init__(self, request: DeleteExecutionRequest) -> None:
        self.request = request
        rest = DeleteExecutionRequest()
        rest.CopyFrom(request)
        rest.ClearField("request_id")
        self.body = digest(b"delete:" + rest.SerializeToString(deterministic=True))

    def decide(self, execution: Execution) -> DeleteExecutionResponse | Head | None:
        """Returns the head to delete, None where there is none, or the answer that was given
        before; raises Refusal.

        Without a head the store deletes the values of the working memory alone, and gives
        `nothing` as the answer.
        """
        request = self.request
        answer = execution.replay(request.request_id, self.body)
        if answer is not None:
            return DeleteExecutionResponse.FromString(answer)
        execution.raise_floor(request.writer_epoch if request.HasField("writer_epoch") else None)
        head = execution.head
        if head is None:
            return None
        if request.HasField("expected_etag") and head.etag != request.expected_etag:
            raise refusals.etag_mismatch(execution.execution_id, request.expected_etag, head)
        return head

    def answer(self, execution: Execution, revision: int, mark: str) -> DeleteExecutionResponse:
        """Returns the answer to the delete that took this revision, and remembers it."""
        response = DeleteExecutionResponse(
            deleted_count=1, revision=revision, resume_token=resume_token(revision, mark)
        )
        return self._remember(execution, response)

    def nothing(self, execution: Execution) -> DeleteExecutionResponse:
        """Returns the answer where there was no head. It is remembered too: a late retry
        must not delete what was created since.
        """
        return self._remember(execution, DeleteExecutionResponse())

    def _remember(
        self, execution: Execution, response: DeleteExecutionResponse
    ) -> DeleteExecutionResponse:
        if self.request.request_id:
            execution.answers.remember(
                self.request.request_id, self.body, response.SerializeToString()
            )
        return response


class Prune:
    """A DeleteSnapshotsRequest, decided by the rules of a save that apply to it."""

    def __init__(self, request: DeleteSnapshotsRequest) -> None:
        self.request = request
        rest = DeleteSnapshotsRequest()
        rest.CopyFrom(request)
        rest.ClearField("request_id")
        self.body = digest(b"prune:" + rest.SerializeToString(deterministic=True))
        self._versions = frozenset(request.versions)
        self._snapshot_ids = frozenset(request.snapshot_ids)
        self._labels = dict(request.labels)

    def decide(self, execution: Execution) -> DeleteSnapshotsResponse | None:
        """Returns the answer that was given before, or None to go on; raises Refusal."""
        request = self.request
        answer = execution.replay(request.request_id, self.body)
        if answer is not None:
            return DeleteSnapshotsResponse.FromString(answer)
        execution.raise_floor(request.writer_epoch if request.HasField("writer_epoch") else None)
        if execution.head is None:
            raise refusals.execution_not_found(execution.execution_id)
        return None

    def selects(self, header: ExecutionSnapshot) -> bool:
        """Tells whether the request names this snapshot, which is not the head."""
        return (
            (not self._versions or header.version in self._versions)
            and (
                not self._snapshot_ids
                or (header.HasField("snapshot_id") and header.snapshot_id in self._snapshot_ids)
            )
            and meets(self.request.criteria, header)
            and has_labels(self._labels, header)
        )

    def answer(self, execution: Execution, deleted_count: int) -> DeleteSnapshotsResponse:
        """Returns the answer, and remembers it."""
        response = DeleteSnapshotsResponse(deleted_count=deleted_count)
        if self.request.request_id:
            execution.answers.remember(
                self.request.request_id, self.body, response.SerializeToString()
            )
        return response
