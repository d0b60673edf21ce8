"""Working out deltas, and staying safe while doing so (no I/O).

`Tracker.save` is a coroutine in the old sense: a generator that yields the calls to make, is
sent their answers or thrown their errors, and returns the answer for its snapshot. So the
rules below are written once, and the clients only carry calls.

What it knows of the head, it knows from its own saves and loads: the etag, and a digest of
every entry, not the entries themselves. A save then is

 - a delta against that etag, if that is less to send than the whole;
 - otherwise the whole, with that etag as the expected one, so that it cannot overwrite what
   somebody else wrote in between;
 - the whole without any expectation, if nothing is known of the head.

A refusal because somebody else has written (DELTA_BASE_MISMATCH, ETAG_MISMATCH; or
EXECUTION_NOT_FOUND, because the execution was deleted) is the caller's to see, unless it
chose `overwrite`: then the whole is sent without expectation.

When no answer came, nobody knows whether the save took effect, and the head may be the old
one or the new one. The next save first settles that, by sending the same request again under
the same request_id: where it took effect the server gives its first answer, where it did not
it takes effect now, in its right place before the next. Both ways the head is known again.
The old etag in it keeps even a request_id that the server has forgotten from overwriting
somebody else's save.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from stillframe.client import _types as t
from stillframe.client._encoding import EncodedSnapshot, with_entries
from stillframe.client._errors import (
    DeltaBaseMismatchError,
    EtagMismatchError,
    ExecutionNotFoundError,
    StillframeError,
)
from stillframe.client._requests import Call, Requests, SaveOptions, new_request_id
from stillframe.client._retry import is_absence
from stillframe.v1 import snapshot_pb2 as pb
from stillframe.v1 import snapshot_service_pb2 as rpc

Digests = Mapping[str, bytes]
Saving = Generator[Call[t.Saved], t.Saved, t.Saved]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a snapshot's entries: a digest of each."""

    step_outputs: Digests
    variables: Digests

    @classmethod
    def of(
        cls, step_outputs: Mapping[str, pb.Payload], variables: Mapping[str, pb.Payload]
    ) -> "Known":
        return cls(_digests(step_outputs), _digests(variables))

    @property
    def count(self) -> int:
        return len(self.step_outputs) + len(self.variables)


@dataclass(frozen=True, slots=True)
class _Base:
    """What the head is taken to be."""

    etag: str
    known: Known


@dataclass(frozen=True, slots=True)
class _Unsettled:
    """A save without an answer, and what the head is if it took effect."""

    call: Call[t.Saved]
    known: Known


class Tracker:
    """What one handle knows of one execution's head."""

    def __init__(self, requests: Requests, execution_id: str, *, overwrite: bool) -> None:
        self._requests = requests
        self._execution_id = execution_id
        self._overwrite = overwrite
        self._base: _Base | None = None
        self._unsettled: _Unsettled | None = None

    def forget(self) -> None:
        """Nothing is known of the head any more, and nothing is owed."""
        self._base = None
        self._unsettled = None

    def know(self, head: t.StoredSnapshot | None) -> None:
        """The head was read. One that leaves something out is no base for a delta."""
        self.forget()
        if head is not None and not (head.step_outputs.is_partial or head.variables.is_partial):
            known = Known.of(head.step_outputs.payloads(), head.variables.payloads())
            self._base = _Base(head.etag, known)

    def save(self, snapshot: EncodedSnapshot, options: SaveOptions) -> Saving:
        """Saves a snapshot; see the module's docstring."""
        if self._unsettled is not None:
            yield from self._settle(self._unsettled)
        known = Known.of(snapshot.step_outputs, snapshot.variables)
        call = self._call(snapshot, known, options)
        try:
            return (yield from self._send(_Unsettled(call, known)))
        except (DeltaBaseMismatchError, EtagMismatchError, ExecutionNotFoundError):
            if not self._overwrite or options.expected_etag is not None:
                raise
        # Another body needs another request_id.
        options = replace(options, request_id=new_request_id())
        call = self._requests.save(self._execution_id, snapshot.message(), options)
        return (yield from self._send(_Unsettled(call, known)))

    def _settle(self, unsettled: _Unsettled) -> Generator[Call[t.Saved], t.Saved, None]:
        try:
            yield from self._send(unsettled)
        except StillframeError:
            # Without an answer again, it is still owed. Refused, it never took effect, and
            # the snapshot that comes now will meet the same refusal if it stands for it too.
            if self._unsettled is not None:
                raise

    def _send(self, unsettled: _Unsettled) -> Saving:
        # Owed until it is answered: also when the call is abandoned by an exception of
        # another kind, such as a cancelled task.
        self._unsettled = unsettled
        try:
            saved = yield unsettled.call
        except StillframeError as error:
            if not is_absence(error):
                self._unsettled = None
            raise
        self._unsettled = None
        self._base = _Base(saved.etag, unsettled.known)
        return saved

    def _call(self, snapshot: EncodedSnapshot, known: Known, options: SaveOptions) -> Call[t.Saved]:
        base = self._base
        # must_not_exist contradicts a base, and the caller knows better.
        if base is None or options.must_not_exist:
            return self._requests.save(self._execution_id, snapshot.message(), options)
        difference = Difference.between(base.known, known, snapshot)
        if difference.is_smaller:
            delta = difference.delta()
            delta.base_etag = base.etag
            return self._requests.save(self._execution_id, delta, options)
        if options.expected_etag is None and not self._overwrite:
            options = replace(options, expected_etag=base.etag)
        return self._requests.save(self._execution_id, snapshot.message(), options)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a snapshot has to set and to remove against what is known of another."""

    snapshot: EncodedSnapshot
    step_outputs: "_Changes"
    variables: "_Changes"

    @classmethod
    def between(cls, base: Known, now: Known, snapshot: EncodedSnapshot) -> "Difference":
        """`now` is what is known of `snapshot`."""
        return cls(
            snapshot,
            _Changes.between(base.step_outputs, now.step_outputs, snapshot.step_outputs),
            _Changes.between(base.variables, now.variables, snapshot.variables),
        )

    @property
    def is_smaller(self) -> bool:
        """Whether it is less to send than the whole."""
        whole = _size(self.snapshot.step_outputs) + _size(self.snapshot.variables)
        return self.step_outputs.size + self.variables.size < whole

    def delta(self) -> rpc.SnapshotDelta:
        """The delta, which still lacks its base."""
        delta = rpc.SnapshotDelta(
            removed_step_outputs=self.step_outputs.removed,
            removed_variables=self.variables.removed,
        )
        delta.snapshot.CopyFrom(
            with_entries(self.snapshot.header, self.step_outputs.set, self.variables.set)
        )
        return delta


@dataclass(frozen=True, slots=True)
class _Changes:
    """What a map has to set and to remove, and about how many bytes that is to send."""

    set: dict[str, pb.Payload]
    removed: list[str]
    size: int

    @classmethod
    def between(cls, base: Digests, now: Digests, payloads: Mapping[str, pb.Payload]) -> "_Changes":
        changed = {key: payload for key, payload in payloads.items() if base.get(key) != now[key]}
        removed = [key for key in base if key not in now]
        return cls(changed, removed, _size(changed) + sum(len(key) for key in removed))


def _size(payloads: Mapping[str, pb.Payload]) -> int:
    return sum(len(key) + payload.ByteSize() for key, payload in payloads.items())


def _digests(payloads: Mapping[str, pb.Payload]) -> dict[str, bytes]:
    # A payload has no map field, so equal ones serialise to equal bytes.
    return {
        key: blake2b(payload.SerializeToString(), digest_size=16).digest()
        for key, payload in payloads.items()
    }
