"""The gRPC health service (grpc/doc/health-checking.md), with watches that end at a drain.

grpcio-health-checking's own servicer keeps its watches open for good, so that each of
them would make a drain last its whole grace.
"""

# The package has no stubs.
# pyright: reportUnknownMemberType=false, reportUntypedBaseClass=false

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Answers for some services, which all have one status."""

    def __init__(self, *services: str) -> None:
        self._services = frozenset(services)
        self._status = HealthCheckResponse.NOT_SERVING
        self._draining = False
        self._changed = asyncio.Event()

    def tell(self, *, serving: bool) -> None:
        """Says SERVING or NOT_SERVING from now on; a drain has the last word."""
        status = HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
        if status != self._status and not self._draining:
            self._set(status)

    def drain(self) -> None:
        """Says NOT_SERVING for good, also to every watch, and ends the watches."""
        self._draining = True
        self._set(HealthCheckResponse.NOT_SERVING)

    def _set(self, status: HealthCheckResponse.ServingStatus) -> None:
        self._status = status
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def Check(self, request: HealthCheckRequest, context: Any) -> HealthCheckResponse:  # noqa: N802
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return HealthCheckResponse(status=self._status)

    async def Watch(  # noqa: N802
        self,
        request: HealthCheckRequest,
        context: Any,  # noqa: ARG002 - the generated signature
    ) -> AsyncIterator[HealthCheckResponse]:
        known = request.service in self._services
        while True:
            changed = self._changed
            yield HealthCheckResponse(
                status=self._status if known else HealthCheckResponse.SERVICE_UNKNOWN
            )
            if self._draining:
                return
            await changed.wait()
