"""`AsyncClient`: every call of the contract, awaited."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self, TypeVar

from stillframe.client._aio.calls import AsyncCalls
from stillframe.client._aio.execution import AsyncExecution
from stillframe.client._aio.pipeline import AsyncPipeline
from stillframe.client._aio.saver import AsyncSaver
from stillframe.client._aio.watch import AsyncWatch
from stillframe.client._connection import MAX_MESSAGE_BYTES, Connection, resolve_target
from stillframe.client._enums import WatchMode
from stillframe.client._queries import Filter, Projection
from stillframe.client._requests import Call, Requests
from stillframe.client._retry import Clock, RetryPolicy
from stillframe.client._values import Codec, JsonCodec
from stillframe.client._watching import Watching

if TYPE_CHECKING:
    import grpc
    from grpc import aio

    from stillframe.client._aio.transport import AioTransport

T = TypeVar("T")


class AsyncClient(AsyncCalls):
    """As `Client`, over grpc.aio: the same methods, awaited.

    `list`, `history` and `list_keys` give async iterators; `watch`, `execution`, `saver` and
    `pipeline` are not awaited. Usable in many event loops: it has a channel in each. A `channel` that is given
    ties it to that channel's loop. `close` closes the channel of the running loop.
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
        channel: "aio.Channel | None" = None,
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
        self._made: dict[str, AioTransport] = {}

    @property
    def tenant(self) -> str:
        """The tenant of every call."""
        return self._requests.tenant

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the channel, unless it was given, and ends the watches. Idempotent."""
        await self._transport().close()

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
    ) -> AsyncWatch:
        """As `Client.watch`."""
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
        return AsyncWatch(watching, self._transport(), self._connection.clock)

    def execution(
        self, execution_id: str, *, writer_epoch: int | None = None, overwrite: bool = False
    ) -> AsyncExecution:
        """As `Client.execution`."""
        return AsyncExecution(
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
    ) -> AsyncSaver:
        """As `Client.saver`."""
        return AsyncSaver(
            self.execution(execution_id, writer_epoch=writer_epoch, overwrite=overwrite),
            self._connection,
            max_absence=max_absence,
        )

    def pipeline(self, *, max_unanswered: int = 256, max_absence: float = 60.0) -> AsyncPipeline:
        """As `Client.pipeline`."""
        return AsyncPipeline(
            self._requests,
            self._transport(),
            self._connection,
            max_unanswered=max_unanswered,
            max_absence=max_absence,
        )

    async def _unary(self, call: Call[T], timeout: float | None = None) -> T:  # noqa: ASYNC109
        if timeout is None:
            timeout = self._connection.timeout
        return await self._transport().unary(call, timeout)

    def _transport(self) -> "AioTransport":
        transport = self._made.get("")
        if transport is None:
            from stillframe.client._aio.transport import AioTransport  # noqa: PLC0415

            # Atomic, so that threads need no lock, which a fork could leave locked.
            transport = self._made.setdefault("", AioTransport(self._connection, self._channel))
        return transport
