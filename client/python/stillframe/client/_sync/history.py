"""The calls of `Client` that compare, copy and remove snapshots of an execution."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeVar

from stillframe.client import _history
from stillframe.client import _types as t
from stillframe.client._queries import Criteria
from stillframe.client._requests import Call, Requests

T = TypeVar("T")


class HistoryCalls(ABC):
    """What a client does with an execution's history, beside reading it."""

    _requests: Requests

    @abstractmethod
    def _unary(self, call: Call[T], timeout: float | None = None) -> T: ...

    def diff(
        self,
        execution_id: str,
        *,
        from_version: int | None = None,
        from_snapshot_id: str | None = None,
        from_criteria: Criteria | None = None,
        to_version: int | None = None,
        to_snapshot_id: str | None = None,
        to_criteria: Criteria | None = None,
    ) -> t.Diff:
        """Compares two snapshots of an execution, without loading them.

        `from_*` selects the one to compare from, as in `load`: exactly one of the three.
        `to_*` selects the one to compare with: at most one; none is the head. All pages of
        the answer compare the same two snapshots, whatever is saved meanwhile.

        Raises ExecutionNotFoundError, SnapshotNotFoundError.
        """
        comparison = _history.comparison(
            self._requests.tenant,
            execution_id,
            from_version=from_version,
            from_snapshot_id=from_snapshot_id,
            from_criteria=from_criteria,
            to_version=to_version,
            to_snapshot_id=to_snapshot_id,
            to_criteria=to_criteria,
        )
        pages = [self._unary(comparison.page(""))]
        while pages[-1].next_page_token:
            pages.append(self._unary(comparison.page(pages[-1].next_page_token)))
        return _history.diff_of(pages)

    def fork(
        self,
        execution_id: str,
        new_execution_id: str,
        *,
        version: int | None = None,
        snapshot_id: str | None = None,
        criteria: Criteria | None = None,
        include_history: bool = False,
        sequence_number: int | None = None,
        request_id: str | None = None,
    ) -> t.Forked:
        """Creates an execution from a snapshot of another: its head, or the one that
        `version`, `snapshot_id` or `criteria` selects, as in `load`.

        The new execution has versions of its own, no writer epoch and no ttl; the `origin`
        of its snapshots says where they came from. `include_history`: bring the snapshots
        before that one along. `sequence_number`: replaces the new head's, for an engine that
        starts a new event log. `request_id`: as in `save`.

        Raises ExecutionNotFoundError, SnapshotNotFoundError, ExecutionExistsError,
        QuotaExceededError.
        """
        return self._unary(
            _history.fork(
                self._requests.tenant,
                execution_id,
                new_execution_id,
                version=version,
                snapshot_id=snapshot_id,
                criteria=criteria,
                include_history=include_history,
                sequence_number=sequence_number,
                request_id=request_id,
            )
        )

    def prune(
        self,
        execution_id: str,
        *,
        versions: Sequence[int] | None = None,
        snapshot_ids: Sequence[str] | None = None,
        criteria: Criteria | None = None,
        labels: Mapping[str, str] | None = None,
        all_history: bool = False,
        writer_epoch: int | None = None,
        request_id: str | None = None,
    ) -> int:
        """Deletes history of an execution, and returns how many snapshots that were.

        A snapshot goes if all that is given select it: one of the `versions`, one of the
        `snapshot_ids` (at most 1,000 each), the `criteria`, every one of the `labels`; or
        with `all_history`, which contradicts the others, whatever it is. One of them is
        required, and one that is empty is refused, because it would select everything. The
        head is never deleted, and what does not exist is passed over. `writer_epoch` and
        `request_id`: as in `save`.

        Raises ExecutionNotFoundError, FencedError.
        """
        return self._unary(
            _history.prune(
                self._requests.tenant,
                execution_id,
                versions=versions,
                snapshot_ids=snapshot_ids,
                criteria=criteria,
                labels=labels,
                all_history=all_history,
                writer_epoch=writer_epoch,
                request_id=request_id,
            )
        )
