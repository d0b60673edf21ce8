"""Each stub package compiles as its language's users would compile it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from protos.generators import tools
from protos.generators.languages import rust, typescript
from tests.polyglot.building import GENERATED, copy, need, run

if TYPE_CHECKING:
    from pathlib import Path

CONSUMER = """\
import { create, toBinary } from "@bufbuild/protobuf";
import { ErrorInfoSchema } from "@stillframe/proto/google/rpc/error_details_pb";
import { ErrorReason, ExecutionSnapshotSchema, ExecutionState, SnapshotService } from "@stillframe/proto";

const snapshot = create(ExecutionSnapshotSchema, { state: ExecutionState.RUNNING, sequenceNumber: 7n });
const sizes: number = toBinary(ExecutionSnapshotSchema, snapshot).length;
const method: "server_streaming" = SnapshotService.method.watchSnapshots.methodKind;
console.log(sizes, method, ErrorReason[ErrorReason.FENCED], ErrorInfoSchema.typeName);
"""


def test_go() -> None:
    need("go")
    run("go", "build", "./...", cwd=GENERATED / "go")


def test_typescript(tmp_path: Path) -> None:
    need("node", "npm")
    modules = tmp_path / "node_modules"
    (modules / "@stillframe").mkdir(parents=True)
    (modules / "@bufbuild").symlink_to(typescript.modules() / "@bufbuild")
    copy("typescript", modules / "@stillframe").rename(modules / "@stillframe" / "proto")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (tmp_path / "consumer.ts").write_text(CONSUMER, encoding="utf-8")
    options = ("--strict", "--module", "nodenext", "--target", "es2022")
    run(typescript.tool("tsc"), *options, "consumer.ts", cwd=tmp_path)
    printed = run("node", "consumer.js", cwd=tmp_path)
    assert printed == "4 server_streaming FENCED google.rpc.ErrorInfo\n"


def test_java(tmp_path: Path) -> None:
    need("java", "javac", "mvn")
    package = copy("java", tmp_path)
    run("mvn", "--batch-mode", "--quiet", "compile", cwd=package)
    classes = package / "target" / "classes" / "io" / "stillframe" / "v1"
    assert (classes / "SnapshotServiceGrpc$SnapshotServiceBlockingStub.class").exists()


def test_rust(tmp_path: Path) -> None:
    need("cargo")
    package = copy("rust", tmp_path)
    # Cargo leaves out of it what the stubs do not use, and changes no version.
    shutil.copyfile(rust.LOCK, package / rust.LOCK.name)
    run("cargo", "check", "--target-dir", rust.TARGET, cwd=package)


def test_the_descriptor_set_is_whole() -> None:
    data = (GENERATED / "descriptors" / "stillframe.binpb").read_bytes()
    files = {file.name: file for file in FileDescriptorSet.FromString(data).file}
    assert set(tools.sources()) <= set(files)
    assert {name for file in files.values() for name in file.dependency} <= set(files)
    service = files["stillframe/v1/snapshot_service.proto"]
    assert any("durable" in place.leading_comments for place in service.source_code_info.location)
