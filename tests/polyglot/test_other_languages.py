"""Languages for which there is no package of ours: what the README says makes the stubs, and an
engine in C++ with nothing but them works against a server.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from stillframe.client import Client, ExecutionState
from stillframe.testing import ServerProcess
from tests.polyglot.building import ROOT, need, run

README = (ROOT / "README.md").read_text(encoding="utf-8")
ENGINE = Path(__file__).with_name("engine.cpp")


def command(language: str) -> str:
    """The README's command, with the options that its table has for the language."""
    lines: list[str] = re.findall(r"^    (protoc .*(?:\\\n.*)*)$", README, re.MULTILINE)
    assert len(lines) == 1
    row = re.search(rf"^\| {re.escape(language)} \| `(--.*?)` \|", README, re.MULTILINE)
    assert row, f"the README has no options for {language}"
    assert "OPTIONS" in lines[0]
    return lines[0].replace("OPTIONS", row[1])


def generate(language: str, plugin: str, to: Path) -> Path:
    """Runs the command beside a copy of protos/, as somebody who has no more than that."""
    need(plugin, "protoc")
    shutil.copytree(ROOT / "protos", to / "protos", ignore=shutil.ignore_patterns("generators"))
    (to / "stubs").mkdir()
    # The protoc that came with the plugin: the code of another would not fit its libraries.
    programs = Path(shutil.which(plugin) or "").parent
    run("bash", "-ec", f'PATH="{programs}:$PATH"\n{command(language)}', cwd=to)
    return to / "stubs"


@pytest.mark.parametrize(
    ("language", "plugin", "service"),
    [
        ("PHP", "grpc_php_plugin", "Stillframe/V1/SnapshotServiceClient.php"),
        ("Ruby", "grpc_ruby_plugin", "stillframe/v1/snapshot_service_services_pb.rb"),
    ],
)
def test_one_command_makes_the_stubs(
    language: str, plugin: str, service: str, tmp_path: Path
) -> None:
    stubs = generate(language, plugin, tmp_path)
    assert "WatchSnapshots" in (stubs / service).read_text(encoding="utf-8")


def test_an_engine_in_cpp_saves_and_loads(tmp_path: Path) -> None:
    need("g++", "pkg-config")
    stubs = generate("C++", "grpc_cpp_plugin", tmp_path)
    messages = [file for file in sorted(stubs.rglob("*.pb.cc")) if ".grpc." not in file.name]
    # With the service in one unit: gRPC's headers take longest, and are read once.
    unit = tmp_path / "unit.cc"
    service = stubs / "stillframe" / "v1" / "snapshot_service.grpc.pb.cc"
    unit.write_text(f'#include "{service}"\n#include "{ENGINE}"\n', encoding="utf-8")
    flags = run("pkg-config", "--cflags", "--libs", "grpc++", "protobuf", cwd=tmp_path).split()
    engine = tmp_path / "engine"
    run("g++", "-std=c++17", f"-I{stubs}", *messages, unit, "-o", engine, *flags, cwd=tmp_path)

    with ServerProcess("memory:") as server:
        printed = run(engine, server.address, "acme", "run-cpp", cwd=tmp_path)
        assert printed.splitlines() == ["memory", "1", '{"rows": 3}', "7", "1"]
        with Client(server.address, tenant="acme") as client:
            snapshot = client.load("run-cpp")
    assert snapshot.state is ExecutionState.RUNNING
    assert snapshot.step_outputs == {"fetch": {"rows": 3}}
