"""The contract with its comments, as protoc reads it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    OneofDescriptorProto,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PROTOS = Path(__file__).parents[2] / "protos"

FILES = ("snapshot_service", "working_memory_service", "snapshot", "error")
"""In the order in which somebody reads them."""


@dataclass(frozen=True)
class File:
    """One proto file. A comment is the text in front of what it describes; what it describes
    is named by the numbers of descriptor.proto (SourceCodeInfo.Location.path).
    """

    descriptor: FileDescriptorProto
    comments: dict[tuple[int, ...], str]
    lines: dict[tuple[int, ...], int]
    """Where it stands."""

    @property
    def name(self) -> str:
        return self.descriptor.name

    @property
    def comment(self) -> str:
        return self.comments[(2,)]

    def types(self) -> list[Message | Enum]:
        """Its messages and enums, as they follow each other."""
        types: list[Message | Enum] = [
            Message(self, (4, number), each)
            for number, each in enumerate(self.descriptor.message_type)
        ]
        types += [
            Enum(self, (5, number), each) for number, each in enumerate(self.descriptor.enum_type)
        ]
        return sorted(types, key=lambda each: self.lines[each.path])

    def rpcs(self) -> Iterator[Rpc]:
        for number, service in enumerate(self.descriptor.service):
            for index, method in enumerate(service.method):
                yield Rpc(method, self.comments[6, number, 2, index])


@dataclass(frozen=True)
class Rpc:
    """One method of the service."""

    descriptor: MethodDescriptorProto
    comment: str

    @property
    def name(self) -> str:
        return self.descriptor.name


@dataclass(frozen=True)
class Message:
    """One message. None is nested in another, but for the entries of maps."""

    file: File
    path: tuple[int, ...]
    descriptor: DescriptorProto

    @property
    def name(self) -> str:
        return self.descriptor.name

    @property
    def comment(self) -> str:
        return self.file.comments[self.path]

    def fields(self) -> Iterator[Field]:
        for number, each in enumerate(self.descriptor.field):
            yield Field(self, each, self.file.comments[*self.path, 2, number])

    def oneof(self, number: int) -> tuple[OneofDescriptorProto, str]:
        return self.descriptor.oneof_decl[number], self.file.comments[*self.path, 8, number]


@dataclass(frozen=True)
class Field:
    """One field of a message."""

    message: Message
    descriptor: FieldDescriptorProto
    comment: str

    @property
    def oneof(self) -> int | None:
        """The number of the oneof that it is a member of, unless it is there for `optional`."""
        field = self.descriptor
        return (
            field.oneof_index
            if field.HasField("oneof_index") and not field.proto3_optional
            else None
        )

    @property
    def type(self) -> str:
        """As the proto file says it: `optional string`, `map<string, Payload>`."""
        for nested in self.message.descriptor.nested_type:
            if self.descriptor.type_name.endswith(f".{self.message.name}.{nested.name}"):
                key, value = (_type(each) for each in nested.field)
                return f"map<{key}, {value}>"
        if self.descriptor.label == FieldDescriptorProto.LABEL_REPEATED:
            return f"repeated {_type(self.descriptor)}"
        return f"{'optional ' * self.descriptor.proto3_optional}{_type(self.descriptor)}"


@dataclass(frozen=True)
class Enum:
    """One enum."""

    file: File
    path: tuple[int, ...]
    descriptor: EnumDescriptorProto

    @property
    def name(self) -> str:
        return self.descriptor.name

    @property
    def comment(self) -> str:
        return self.file.comments[self.path]

    @property
    def prefix(self) -> str:
        """What the names of its values begin with: `SAVE_OUTCOME_`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.name).upper() + "_"

    def values(self) -> Iterator[tuple[str, int, str]]:
        """Name, number and comment of each."""
        for number, each in enumerate(self.descriptor.value):
            yield each.name, each.number, self.file.comments[*self.path, 2, number]


def read() -> list[File]:
    """Returns the files of the contract, in the order of FILES."""
    names = [f"stillframe/v1/{name}.proto" for name in FILES]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "contract.binpb"
        subprocess.run(
            [
                *(sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}"),
                *("--include_source_info", f"--descriptor_set_out={out}", *names),
            ],
            check=True,
            timeout=60,
        )
        files = FileDescriptorSet.FromString(out.read_bytes()).file
    by_name = {each.name: _file(each) for each in files}
    return [by_name[name] for name in names]


def _file(file: FileDescriptorProto) -> File:
    places = {tuple(each.path): each for each in file.source_code_info.location}
    comments = {
        path: re.sub(r"^ ", "", place.leading_comments, flags=re.MULTILINE)
        for path, place in places.items()
        if place.leading_comments
    }
    return File(file, comments, {path: place.span[0] for path, place in places.items()})


def _type(field: FieldDescriptorProto) -> str:
    if field.type_name:
        return field.type_name.removeprefix(".").removeprefix("stillframe.v1.")
    return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
