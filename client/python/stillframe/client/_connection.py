"""How a client reaches its server: the target and the channel's options.

gRPC itself is not imported here: loading it costs more than everything else together, and a
program that imports the client without connecting should not pay it. The transports import
it, and are themselves imported at the first call. That is also what makes forking safe: a
process that was forked before its first call has no threads of gRPC to lose.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stillframe.client._retry import Clock, RetryPolicy

if TYPE_CHECKING:
    import grpc

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""The default bound on a message in either direction; the server's own (DESIGN section 9)."""

KEEPALIVE_MS = 30_000
"""How often a quiet connection is pinged. The server accepts pings every 10 s."""

KEEPALIVE_TIMEOUT_MS = 10_000
"""How long a ping may stay without an answer until the connection counts as broken."""

_SCHEME = re.compile(r"(dns|unix|unix-abstract|vsock|ipv4|ipv6|xds|passthrough):|[\w+.-]+://")


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """The settings of a client that concern its calls rather than what they say."""

    target: str
    credentials: "grpc.ChannelCredentials | None"
    metadata: tuple[tuple[str, str], ...]
    timeout: float | None
    retry: RetryPolicy
    max_message_bytes: int
    clock: Clock

    def options(self) -> list[tuple[str, str | int]]:
        """The channel's arguments (grpc/impl/channel_arg_names.h)."""
        return [
            ("grpc.max_send_message_length", self.max_message_bytes),
            ("grpc.max_receive_message_length", self.max_message_bytes),
            ("grpc.keepalive_time_ms", KEEPALIVE_MS),
            ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
            # What gRPC goes by in truth where it is longer; its default is a minute.
            ("grpc.http2.ping_timeout_ms", KEEPALIVE_TIMEOUT_MS),
            # A watch may be the only call, and quiet; and a dead connection is better found
            # between two saves than by the second.
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
            # The default waits a second after the first refusal, then up to two minutes: a
            # server that restarts is back sooner.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 1_000),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            # Retries are the client's own: it knows which calls are safe to repeat, honours
            # RetryInfo, and counts the tries.
            ("grpc.enable_retries", 0),
            ("grpc.primary_user_agent", "stillframe-python"),
        ]


def resolve_target(target: str) -> str:
    """The gRPC target for what the user gave: one with a scheme as it is, one address as it
    is, several IP addresses as one `ipv4:` or `ipv6:` target (gRPC Name Resolution), of which
    the first that answers is used.

    Raises ValueError for a list that gRPC cannot take as one target.
    """
    addresses = [each.strip() for each in target.split(",")]
    if not all(addresses):
        raise ValueError(f"target {target!r} has an empty address")
    if len(addresses) == 1 or _SCHEME.match(target):
        return target.strip()
    addresses = [re.sub(r"^localhost(?=:|$)", "127.0.0.1", each) for each in addresses]
    versions = {_ip_version(each) for each in addresses}
    if len(versions) == 1 and None not in versions:
        return f"ipv{versions.pop()}:{','.join(addresses)}"
    raise ValueError(
        f"target {target!r}: a list takes IP addresses of one version;"
        " for names, use one DNS name with several addresses"
    )


def _ip_version(address: str) -> int | None:
    host = address[1:].partition("]")[0] if address.startswith("[") else address.partition(":")[0]
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return None
