"""The public face of the client: its names, and what importing it costs."""

import subprocess
import sys
from pathlib import Path

import pytest

import stillframe.client
from stillframe.client import _enums
from stillframe.v1 import snapshot_pb2, snapshot_service_pb2


def test_all_is_sorted_and_complete() -> None:
    names = stillframe.client.__all__

    # As ruff sorts it: constants before classes.
    assert names == sorted(names, key=lambda name: (not name.isupper(), name))
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(stillframe.client, name) is not None


def test_everything_public_is_in_all() -> None:
    public = {
        name
        for name, value in vars(stillframe.client).items()
        if not name.startswith("_") and name != "TYPE_CHECKING" and not isinstance(value, type(sys))
    }

    assert public <= set(stillframe.client.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = stillframe.client.no_such_name


def test_public_names_are_documented() -> None:
    for name in stillframe.client.__all__:
        value = getattr(stillframe.client, name)
        if isinstance(value, type) and value.__module__.startswith("stillframe.client"):
            assert value.__doc__, name


def test_importing_it_loads_neither_grpc_nor_the_server_nor_the_command() -> None:
    code = (
        "import sys, stillframe.client as c; c.Client('a:1', tenant='t');"
        "print(*(m for m in ('grpc', 'asyncio', 'typer', 'rich', 'stillframe.server',"
        " 'stillframe.cli') if m in sys.modules))"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert loaded.stdout.split() == []


def test_the_namespace_stays_open() -> None:
    package = Path(stillframe.client.__file__).parent

    assert not (package.parent / "__init__.py").exists()
    assert (package / "py.typed").exists()


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (_enums.ExecutionState, snapshot_pb2.ExecutionState, "EXECUTION_STATE_"),
        (_enums.WaitReason, snapshot_pb2.WaitReason, "WAIT_REASON_"),
        (_enums.StateClass, snapshot_pb2.StateClass, "STATE_CLASS_"),
        (_enums.SnapshotMap, snapshot_pb2.SnapshotMap, "SNAPSHOT_MAP_"),
        (_enums.DifferenceKind, snapshot_service_pb2.DifferenceKind, "DIFFERENCE_KIND_"),
        (_enums.OmissionReason, snapshot_pb2.OmissionReason, "OMISSION_REASON_"),
        (_enums.FreshnessStatus, snapshot_pb2.FreshnessStatus, "FRESHNESS_STATUS_"),
        (_enums.SaveOutcome, snapshot_service_pb2.SaveOutcome, "SAVE_OUTCOME_"),
        (_enums.WatchMode, snapshot_service_pb2.WatchMode, "WATCH_MODE_"),
        (_enums.ChangeKind, snapshot_service_pb2.ChangeKind, "CHANGE_KIND_"),
    ],
)
def test_enums_are_those_of_the_contract(
    ours: type[_enums.ExecutionState], theirs: type[snapshot_pb2.ExecutionState], prefix: str
) -> None:
    expected = {name.removeprefix(prefix): number for name, number in theirs.items() if number}

    assert {member.name: member.value for member in ours} == expected


def test_states_know_their_classes() -> None:
    state = _enums.ExecutionState

    assert [s.name for s in state if s.is_terminal] == ["COMPLETED", "FAILED", "CANCELLED"]
    assert [s.name for s in state if s.can_resume] == ["PAUSED", "WAITING"]
    assert [s.name for s in state if s.is_active] == ["RUNNING", "WAITING"]


def test_a_number_of_a_newer_server_is_kept() -> None:
    state = _enums.from_wire(_enums.ExecutionState, 99)

    assert state == 99
    assert state.name == "UNRECOGNIZED_99"
    assert not state.is_terminal
    with pytest.raises(ValueError, match="99"):
        _enums.ExecutionState(99)
