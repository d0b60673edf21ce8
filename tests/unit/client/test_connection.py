"""Targets, options, and a client that crosses a fork."""

import os
import subprocess
import sys
import textwrap

import pytest

from stillframe.client import Client, Clock, RetryPolicy
from stillframe.client._connection import Connection, resolve_target


@pytest.mark.parametrize(
    ("target", "resolved"),
    [
        ("db.example:50051", "db.example:50051"),
        (" 127.0.0.1:1 ", "127.0.0.1:1"),
        ("unix:/run/stillframe.sock", "unix:/run/stillframe.sock"),
        ("dns:///a.example:1", "dns:///a.example:1"),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", "ipv4:127.0.0.1:1,127.0.0.1:2"),
        ("127.0.0.1:1, 127.0.0.1:2", "ipv4:127.0.0.1:1,127.0.0.1:2"),
        ("localhost:1,127.0.0.1:2", "ipv4:127.0.0.1:1,127.0.0.1:2"),
        ("[::1]:1,[::1]:2", "ipv6:[::1]:1,[::1]:2"),
    ],
)
def test_targets(target: str, resolved: str) -> None:
    assert resolve_target(target) == resolved


@pytest.mark.parametrize("target", ["", "a:1,", "a.example:1,b.example:1", "127.0.0.1:1,[::1]:1"])
def test_targets_that_are_none_are_refused_at_once(target: str) -> None:
    with pytest.raises(ValueError, match="target"):
        Client(target, tenant="acme")


def test_options() -> None:
    connection = Connection(
        target="a:1",
        credentials=None,
        metadata=(),
        timeout=None,
        retry=RetryPolicy(),
        max_message_bytes=123,
        clock=Clock(),
    )
    options = dict(connection.options())

    assert options["grpc.max_receive_message_length"] == 123
    assert options["grpc.max_send_message_length"] == 123
    assert options["grpc.keepalive_permit_without_calls"] == 1
    # The server takes pings that are 10 s apart or more.
    assert int(options["grpc.keepalive_time_ms"]) >= 10_000


FORK = """
    import os
    import shutil
    import tempfile
    from concurrent import futures
    from stillframe.client import Client
    from stillframe.v1 import snapshot_service_pb2 as rpc

    reading, writing = os.pipe()
    answering, answered = os.pipe()
    folder = tempfile.mkdtemp()
    client = Client(f"unix:{folder}/socket", tenant="acme")
    child = os.fork()
    if child == 0:
        assert os.read(reading, 1)
        os.write(answered, client.info().store_kind.encode())
        client.close()
        os._exit(0)

    import grpc
    from stillframe.v1.snapshot_service_pb2_grpc import (
        SnapshotServiceServicer, add_SnapshotServiceServicer_to_server)

    class Service(SnapshotServiceServicer):
        def GetServerInfo(self, request, context):
            return rpc.GetServerInfoResponse(store_kind="forked")

    server = grpc.server(futures.ThreadPoolExecutor(1))
    add_SnapshotServiceServicer_to_server(Service(), server)
    server.add_insecure_port(f"unix:{folder}/socket")
    server.start()
    os.write(writing, b"!")
    print(os.read(answering, 100).decode(), os.waitpid(child, 0)[1])
    server.stop(None).wait()
    shutil.rmtree(folder)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_client_made_before_a_fork_works_in_the_child() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FORK)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout.split() == ["forked", "0"]
