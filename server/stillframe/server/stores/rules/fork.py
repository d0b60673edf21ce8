"""The rules of a fork (DESIGN section 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from stillframe.server.stores import refusals
from stillframe.server.stores.execution import digest
from stillframe.server.stores.marks import etag, new_mark
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
from stillframe.v1.snapshot_service_pb2 import ForkExecutionRequest, ForkExecutionResponse

if TYPE_CHECKING:
    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.execution import Execution
    from stillframe.server.stores.records import Head
    from stillframe.v1.snapshot_service_pb2 import SnapshotSelector


class Source(Protocol):
    """What the rules ask a store about the execution that is forked, under the lock."""

    def select(self, selector: SnapshotSelector) -> Head | None:
        """Returns a snapshot of the execution; raises EXECUTION_NOT_FOUND."""
        ...

    def at_quota(self) -> bool:
        """Tells whether the tenant may not have one more execution."""
        ...


class Fork:
    """A ForkExecutionRequest, decided by the rules."""

    def __init__(self, request: ForkExecutionRequest, config: StoreConfig) -> None:
        self.request = request
        self._config = config
        rest = ForkExecutionRequest()
        rest.CopyFrom(request)
        rest.ClearField("request_id")
        self.body = digest(b"fork:" + rest.SerializeToString(deterministic=True))

    def decide(self, execution: Execution, source: Source) -> ForkExecutionResponse | Head:
        """Returns the snapshot to fork, or an answer that was given before; raises Refusal.

        `execution` is the one to be created.
        """
        request = self.request
        answer = execution.replay(request.request_id, self.body)
        if answer is not None:
            return ForkExecutionResponse.FromString(answer)
        chosen = source.select(request.selector)
        if chosen is None:
            raise refusals.no_such_snapshot(request.execution_id, request.selector)
        if execution.head is not None:
            raise refusals.execution_exists(execution.execution_id, execution.head)
        if source.at_quota():
            raise refusals.quota_exceeded("max_executions", self._config.max_executions)
        return chosen

    def new_head(
        self, source: Head, version: int, revision: int, mark: str, commit_time: int
    ) -> Head:
        """Returns the head of the new execution."""
        head = self._copy(source, version, revision, mark, commit_time)
        if self.request.HasField("sequence_number"):
            head.header.sequence_number = self.request.sequence_number
        return head

    def inherited(self, source: Head, version: int, revision: int, commit_time: int) -> Head:
        """Returns a snapshot of the history that the fork brings along.

        It has the fork's revision and commit time: here it was not there before. Its mark
        is its own, because an etag names one snapshot.
        """
        return self._copy(source, version, revision, new_mark(), commit_time)

    def _copy(self, source: Head, version: int, revision: int, mark: str, commit_time: int) -> Head:
        header = ExecutionSnapshot()
        header.CopyFrom(source.header)
        header.execution_id = self.request.new_execution_id
        header.version = version
        header.etag = etag(version, mark)
        header.revision = revision
        header.commit_time.FromNanoseconds(commit_time)
        header.origin.execution_id = source.header.execution_id
        header.origin.version = source.version
        header.origin.etag = source.etag
        header.origin.commit_time.CopyFrom(source.header.commit_time)
        # A fork lives until it is given a ttl of its own.
        return replace(source, header=header, mark=mark, expire_at=None)

    def answer(
        self, execution: Execution, head: Head, snapshot_count: int
    ) -> ForkExecutionResponse:
        """Returns the answer to the fork that made `head`, and remembers it."""
        response = ForkExecutionResponse(
            version=head.version,
            etag=head.etag,
            revision=head.revision,
            resume_token=head.resume_token,
            snapshot_count=snapshot_count,
        )
        if self.request.request_id:
            execution.answers.remember(
                self.request.request_id, self.body, response.SerializeToString()
            )
        return response
