"""`Client`: every call of the contract, blocking."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self, TypeVar

from stillframe.client._connection import MAX_MESSAGE_BYTES, Connection, resolve_target
from stillframe.client._enums import WatchMode
from stillframe.client._queries import Filter, Projection
from stillframe.client._requests import Call, Requests
from stillframe.client._retry import Clock, RetryPolicy
from stillframe.client._sync.calls import Calls
from stillframe.client._sync.execution import Execution
from stillframe.client._sync.pipeline import Pipeline
from stillframe.client._sync.saver import Saver
from stillframe.client._sync.watch import Watch
from stillframe.client._values import Codec, JsonCodec
from stillframe.client._watching import Watching

if TYPE_CHECKING:
    import grpc

    from stillframe.client._sync.transport import Transport

T = TypeVar("T")


class Client(Calls):
    """A client of one tenant, over grpc.

    `target`: an address, several IP addresses separated by commas, or a gRPC target with a
    scheme. `credentials`: None is plaintext. `metadata` goes with every call. `timeout`: the
    seconds that a call may take with all its retries; None is no bound; a watch has none.
    `retry`: see RetryPolicy. `codec`: turns values into payloads and back. `channel`: used
    instead of one of its own, and left open. `max_message_bytes`: the bound on messages in
    both directions.

    Connects at the first call. Usable from many threads; usable after a fork if the parent
    had made no call with any gRPC client before it. Errors are StillframeError.
    """

    def __init__(
        self,
        target: str,
        *,
        tenant: str,
        credentials: "grpc.ChannelCredentials | None" = None,
        metadata: Sequence[tuple[str, str]] = (),
        timeout: float | None = 30.0,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        codec: Codec = JsonCodec(),  # noqa: B008 - without state
        channel: "grpc.Channel | None" = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        clock: Clock = Clock(),  # noqa: B008 - frozen
    ) -> None:
        resolve_target(target)
        self._connection = Connection(
            target=target,
            credentials=credentials,
            metadata=tuple(metadata),
            timeout=timeout,
            retry=retry,
            max_message_bytes=max_message_bytes,
            clock=clock,
        )
        self._requests = Requests(tenant, codec, max_message_bytes)
        self._channel = channel
        self._made: dict[str, Transport] = {}

    @property
    def tenant(self) -> str:
        """The tenant of every call."""
        return self._requests.tenant

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel, unless it was given, and ends the watches. Idempotent."""
        self._transport().close()

    def watch(
        self,
        filter: Filter | None = None,  # noqa: A002
        *,
        resume_token: str | None = None,
        initial_state: bool = False,
        mode: WatchMode = WatchMode.LATEST,
        full: bool = False,
        projection: Projection | None = None,
        max_message_bytes: int | None = None,
        restart_if_lost: bool = False,
    ) -> Watch:
        """Watches the executions that the filter matches (DESIGN section 5).

        Starts with the first change after the `resume_token`; or with the `initial_state`,
        then the changes after it; or, with neither, now. `mode`, `full` and `projection`:
        what is delivered. `restart_if_lost`: where the watch cannot go on from its token
        (HistoryCompactedError, StoreReplacedError, RevisionInFutureError), start over with
        the initial state and say so by a Restarted event, instead of raising.

        Nothing is sent before the first event is asked for: a watch that starts now has begun
        when it gives WatchOpened.
        """
        request = self._requests.watch(
            filter,
            resume_token=resume_token,
            initial_state=initial_state,
            mode=mode,
            full=full,
            projection=projection,
            max_message_bytes=max_message_bytes,
        )
        watching = Watching(
            request,
            self._requests.codec,
            policy=self._connection.retry,
            clock=self._connection.clock,
            restart_if_lost=restart_if_lost,
        )
        return Watch(watching, self._transport(), self._connection.clock)

    def execution(
        self, execution_id: str, *, writer_epoch: int | None = None, overwrite: bool = False
    ) -> Execution:
        """A handle on one execution that saves deltas where they are smaller.

        `writer_epoch` goes with every save. `overwrite`: where somebody else has written,
        save the whole snapshot over it, instead of raising.
        """
        return Execution(
            self,
            self._unary,
            self._requests,
            execution_id,
            writer_epoch=writer_epoch,
            overwrite=overwrite,
        )

    def saver(
        self,
        execution_id: str,
        *,
        writer_epoch: int | None = None,
        overwrite: bool = False,
        max_absence: float = 60.0,
    ) -> Saver:
        """Saves one execution in the background; the newest state wins.

        `max_absence`: the seconds of a server's absence to ride out. The others as in
        `execution`.
        """
        return Saver(
            self.execution(execution_id, writer_epoch=writer_epoch, overwrite=overwrite),
            self._connection,
            max_absence=max_absence,
        )

    def pipeline(self, *, max_unanswered: int = 256, max_absence: float = 60.0) -> Pipeline:
        """Saves many snapshots, of any executions, without waiting for each answer.

        `max_unanswered`: the saves that may be without an answer at a time; the memory that
        it holds is bounded by 16 MiB and one save as well. `max_absence`: the seconds of a
        server's absence to ride out.
        """
        return Pipeline(
            self._requests,
            self._transport(),
            self._connection,
            max_unanswered=max_unanswered,
            max_absence=max_absence,
        )

    def _unary(self, call: Call[T], timeout: float | None = None) -> T:
        if timeout is None:
            timeout = self._connection.timeout
        return self._transport().unary(call, timeout)

    def _transport(self) -> "Transport":
        transport = self._made.get("")
        if transport is None:
            from stillframe.client._sync.transport import Transport  # noqa: PLC0415

            # Atomic, so that threads need no lock, which a fork could leave locked.
            transport = self._made.setdefault("", Transport(self._connection, self._channel))
        return transport
