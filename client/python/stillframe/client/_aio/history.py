"""The calls of `AsyncClient` that compare, copy and remove snapshots of an execution."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeVar

from stillframe.client import _history
from stillframe.client import _types as t
from stillframe.client._queries import Criteria
from stillframe.client._requests import Call, Requests

T = TypeVar("T")


class AsyncHistoryCalls(ABC):
    """What a client does with an execution's history, beside reading it."""

    _requests: Requests

    @abstractmethod
    async def _unary(self, call: Call[T], timeout: float | None = None) -> T: ...  # noqa: ASYNC109

    async def diff(
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
        """As `Client.diff`."""
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
        pages = [await self._unary(comparison.page(""))]
        while pages[-1].next_page_token:
            pages.append(await self._unary(comparison.page(pages[-1].next_page_token)))
        return _history.diff_of(pages)

    async def fork(
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
        """As `Client.fork`."""
        return await self._unary(
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

    async def prune(
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
        """As `Client.prune`."""
        return await self._unary(
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
