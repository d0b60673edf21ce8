"""Shorthands for the frames of a watch."""

from typing import Any

from stillframe.v1 import snapshot_pb2 as pb
from stillframe.v1 import snapshot_service_pb2 as rpc


def opened(token: str = "") -> rpc.WatchFrame:
    return rpc.WatchFrame(
        resume_token=token,
        opened=rpc.WatchOpened(
            mode=rpc.WATCH_MODE_EVERY_CHANGE, view=rpc.SNAPSHOT_VIEW_FULL, max_message_bytes=99
        ),
    )


def change(token: str = "", **fields: Any) -> rpc.WatchFrame:
    fields.setdefault("kind", rpc.CHANGE_KIND_SAVED)
    fields.setdefault("snapshot", pb.ExecutionSnapshot(execution_id="run"))
    return rpc.WatchFrame(resume_token=token, change=rpc.SnapshotChange(**fields))


def initial_state_end(token: str, count: int = 0) -> rpc.WatchFrame:
    return rpc.WatchFrame(
        resume_token=token, initial_state_end=rpc.WatchInitialStateEnd(execution_count=count)
    )


def progress(token: str) -> rpc.WatchFrame:
    return rpc.WatchFrame(resume_token=token, progress=rpc.WatchProgress())


def caught_up(token: str) -> rpc.WatchFrame:
    return rpc.WatchFrame(resume_token=token, caught_up=rpc.WatchCaughtUp())


GOODBYE = rpc.WatchFrame(goodbye=rpc.WatchGoodbye())
