"""The rules of a save, in their order (DESIGN section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from stillframe.server.stores import refusals
from stillframe.server.stores.execution import DIGEST_SIZE, digest
from stillframe.server.stores.marks import etag
from stillframe.server.stores.records import EntryInfo, EntryKey, Head, entry_size
from stillframe.server.stores.rules.headers import client_header, expire_at
from stillframe.v1 import snapshot_pb2, snapshot_service_pb2
from stillframe.v1.snapshot_pb2 import ExecutionSnapshot
from stillframe.v1.snapshot_service_pb2 import SaveSnapshotRequest, SaveSnapshotResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.execution import Execution

STEP_OUTPUTS = snapshot_pb2.SNAPSHOT_MAP_STEP_OUTPUTS
VARIABLES = snapshot_pb2.SNAPSHOT_MAP_VARIABLES


class Known(Protocol):
    """What the rules look at of an entry: an EntryInfo, or what has more."""

    @property
    def digest(self) -> bytes: ...

    @property
    def size(self) -> int: ...


class Entries(Protocol):
    """What the rules ask a store about the head's entries, under the lock."""

    def infos(self, keys: Iterable[EntryKey] | None) -> Mapping[EntryKey, Known]:
        """Returns what is known of these entries of the head, or of all of them."""
        ...

    def version_of(self, snapshot_id: str) -> int | None:
        """Returns which version of the execution has this snapshot_id."""
        ...

    def at_quota(self) -> bool:
        """Tells whether the tenant may not have one more execution."""
        ...


@dataclass(frozen=True, slots=True)
class Unwritten:
    """The save makes no snapshot: an answer that was given before, or UNCHANGED."""

    response: SaveSnapshotResponse
    unchanged: Head | None = None
    """The head that is UNCHANGED; None when the answer is a replay."""
    ttl_nanos: int | None = None
    """A ttl that counts although nothing changed."""


@dataclass(frozen=True, slots=True)
class Write:
    """What a save changes: the entries to set and to remove, and the new totals."""

    set_entries: dict[EntryKey, EntryInfo]
    replaced: list[EntryKey]
    """Those of `set_entries` that the head has, with another payload."""
    removed: list[EntryKey]
    entry_count: int
    entries_size: int


class Save:
    """A SaveSnapshotRequest, read once: payloads serialised and hashed."""

    def __init__(self, request: SaveSnapshotRequest, config: StoreConfig) -> None:
        self.request = request
        self.is_delta = request.HasField("delta")
        snapshot = request.delta.snapshot if self.is_delta else request.snapshot
        self.payloads: dict[EntryKey, bytes] = {}
        self.infos: dict[EntryKey, EntryInfo] = {}
        for name, entries in (
            (STEP_OUTPUTS, snapshot.step_outputs),
            (VARIABLES, snapshot.variables),
        ):
            for key in entries:
                data = entries[key].SerializeToString()
                entry = EntryKey(name, key)
                self.payloads[entry] = data
                self.infos[entry] = EntryInfo(digest(data), len(data))
        self.removed = [EntryKey(STEP_OUTPUTS, key) for key in request.delta.removed_step_outputs]
        self.removed += [EntryKey(VARIABLES, key) for key in request.delta.removed_variables]
        self.header = client_header(snapshot)
        self.header.tenant_id = request.tenant_id
        self.header.execution_id = request.execution_id
        self._config = config
        self._max_entries_size = config.max_snapshot_bytes - self.header.ByteSize()
        if not self.is_delta:
            self._check_size(len(self.infos), entries_size(self.infos.items()))
        self.body = self._body_digest() if request.request_id else b""

    @property
    def inflight_bytes(self) -> int:
        return sum(map(len, self.payloads.values())) + 1024

    def _body_digest(self) -> bytes:
        """Returns a hash of all that the request says but its request_id.

        Map entries go in the order of keys: equal messages may serialise differently.
        """
        rest = SaveSnapshotRequest()
        rest.CopyFrom(self.request)
        rest.ClearField("snapshot")
        rest.ClearField("request_id")
        if self.is_delta:
            rest.delta.ClearField("snapshot")
        hashed = blake2b(rest.SerializeToString(deterministic=True), digest_size=DIGEST_SIZE)
        hashed.update(self.header.SerializeToString(deterministic=True))
        for (name, key), info in sorted(self.infos.items()):
            hashed.update(b"%d:%d:%b%b" % (name, len(key), key.encode(), info.digest))
        return hashed.digest()

    def _check_size(self, count: int, size: int) -> None:
        if count > self._config.max_entries:
            raise refusals.too_large("max_entries", self._config.max_entries, count)
        if size > self._max_entries_size:
            maximum = self._config.max_snapshot_bytes
            actual = size + maximum - self._max_entries_size
            raise refusals.too_large("max_snapshot_bytes", maximum, actual)

    def decide(self, execution: Execution, entries: Entries) -> Unwritten | Write:
        """Decides the save against the committed state; raises Refusal.

        May raise `execution.epoch_floor`, also when it refuses: the store keeps it.
        """
        request = self.request
        answer = execution.replay(request.request_id, self.body)
        if answer is not None:
            response = SaveSnapshotResponse.FromString(answer)
            response.outcome = snapshot_service_pb2.SAVE_OUTCOME_REPLAYED
            return Unwritten(response)
        execution.raise_floor(request.writer_epoch if request.HasField("writer_epoch") else None)
        head = execution.head
        if request.must_not_exist and head is not None:
            raise refusals.execution_exists(execution.execution_id, head)
        if request.HasField("expected_etag") and (
            head is None or head.etag != request.expected_etag
        ):
            raise refusals.etag_mismatch(execution.execution_id, request.expected_etag, head)
        if self.is_delta:
            self._check_base(execution)
        if (
            head is not None
            and self.header.sequence_number < head.sequence_number
            and not request.allow_sequence_regression
        ):
            raise refusals.sequence_regression(
                execution.execution_id, self.header.sequence_number, head
            )
        write = self._difference(head, entries)
        if head is not None and self._is_unchanged(head, write):
            return Unwritten(
                self._response(head, snapshot_service_pb2.SAVE_OUTCOME_UNCHANGED),
                head,
                self._ttl_nanos(),
            )
        if self.header.HasField("snapshot_id"):
            taken = entries.version_of(self.header.snapshot_id)
            if taken is not None:
                raise refusals.snapshot_id_exists(
                    execution.execution_id, self.header.snapshot_id, taken
                )
        if head is None and entries.at_quota():
            raise refusals.quota_exceeded("max_executions", self._config.max_executions)
        return write

    def _check_base(self, execution: Execution) -> None:
        delta, head = self.request.delta, execution.head
        if head is None:
            raise refusals.execution_not_found(execution.execution_id)
        if delta.WhichOneof("base") == "base_etag":
            base, name = delta.base_etag, delta.base_etag
        else:
            found = execution.answers.find(delta.base_request_id)
            base = SaveSnapshotResponse.FromString(found[1]).etag if found else ""
            name = delta.base_request_id
        if base != head.etag:
            raise refusals.delta_base_mismatch(execution.execution_id, name, head)

    def _difference(self, head: Head | None, entries: Entries) -> Write:
        touched = [*self.infos, *self.removed] if self.is_delta else None
        if head is None or touched == []:
            known: Mapping[EntryKey, Known] = {}
        else:
            known = entries.infos(touched)
        changed = {
            key: info
            for key, info in self.infos.items()
            if key not in known or known[key].digest != info.digest
        }
        if self.is_delta:
            removed = [key for key in dict.fromkeys(self.removed) if key in known]
        else:
            removed = [key for key in known if key not in self.infos]
        replaced = [key for key in changed if key in known]
        gone = [(key, known[key]) for key in (*replaced, *removed)]
        count = len(changed) - len(gone) + (head.entry_count if head else 0)
        size = (
            entries_size(changed.items()) - entries_size(gone) + (head.entries_size if head else 0)
        )
        if self.is_delta:
            self._check_size(count, size)
        return Write(changed, replaced, removed, count, size)

    def _is_unchanged(self, head: Head, write: Write) -> bool:
        return (
            not write.set_entries
            and not write.removed
            and self.header == client_header(head.header)
        )

    def _ttl_nanos(self) -> int | None:
        if not self.request.HasField("ttl"):
            return None
        return self.request.ttl.ToNanoseconds()

    def new_head(
        self, execution: Execution, write: Write, revision: int, mark: str, commit_time: int
    ) -> Head:
        """Returns the head that the save makes, as the commit with this revision."""
        header = ExecutionSnapshot()
        header.CopyFrom(self.header)
        header.version = execution.last_version + 1
        header.etag = etag(header.version, mark)
        header.revision = revision
        header.commit_time.FromNanoseconds(commit_time)
        old = execution.head.expire_at if execution.head else None
        return Head(
            header,
            mark,
            write.entry_count,
            write.entries_size,
            expire_at(commit_time, self._ttl_nanos(), old),
        )

    def answer(self, execution: Execution, head: Head, *, created: bool) -> SaveSnapshotResponse:
        """Returns the answer to a save that made `head`, and remembers it."""
        response = self._response(
            head,
            snapshot_service_pb2.SAVE_OUTCOME_CREATED
            if created
            else snapshot_service_pb2.SAVE_OUTCOME_UPDATED,
        )
        self.remember(execution, response)
        return response

    def remember(self, execution: Execution, response: SaveSnapshotResponse) -> None:
        if self.request.request_id:
            execution.answers.remember(
                self.request.request_id, self.body, response.SerializeToString()
            )

    @staticmethod
    def _response(
        head: Head, outcome: snapshot_service_pb2.SaveOutcome.ValueType
    ) -> SaveSnapshotResponse:
        return SaveSnapshotResponse(
            version=head.version,
            etag=head.etag,
            revision=head.revision,
            resume_token=head.resume_token,
            outcome=outcome,
        )


def entries_size(entries: Iterable[tuple[EntryKey, Known]]) -> int:
    """Returns the bytes that entries add to a snapshot's message."""
    return sum(entry_size(key, info.size) for key, info in entries)
