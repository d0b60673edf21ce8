"""docs/reference.md: every RPC, message and enum of the contract with its comment."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from tests.docs.contract import Enum, Field, Message, Rpc
from tests.docs.markdown import Links, anchor, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.docs.contract import File

_HEAD = """\
<!-- Written by `make docs` from protos/stillframe/v1. Edit the comments there. -->

# Reference

The contract `stillframe.v1` as its proto files say it:
[snapshot_service.proto](../protos/stillframe/v1/snapshot_service.proto),
[working_memory_service.proto](../protos/stillframe/v1/working_memory_service.proto),
[snapshot.proto](../protos/stillframe/v1/snapshot.proto) and
[error.proto](../protos/stillframe/v1/error.proto), whose reasons stand in
[errors.md](errors.md). What the words mean, and in which order one meets them:
[concepts.md](concepts.md).
"""


def page(files: Sequence[File]) -> str:
    """Returns the text of the page."""
    service, memory, nouns, errors = files
    links = Links(_targets(files))
    parts = [_HEAD, "## Conventions", *links.paragraphs(nouns.comment.partition("\n\n")[2])]
    parts += ["## RPCs", *links.paragraphs(service.comment)]
    parts.append(_index(list(service.rpcs())))
    for rpc in service.rpcs():
        parts += _rpc(rpc, links)
    parts.append("## Requests and responses")
    for each in service.types():
        parts += _type(each, links)
    parts += ["## Working memory", *links.paragraphs(memory.comment)]
    parts.append(_index(list(memory.rpcs())))
    for rpc in memory.rpcs():
        parts += _rpc(rpc, links)
    for each in memory.types():
        parts += _type(each, links)
    parts += ["## Nouns", links.text(nouns.comment.partition("\n\n")[0])]
    for each in nouns.types():
        parts += _type(each, links)
    parts += ["## Errors", *links.paragraphs(errors.comment, but="ErrorReason")]
    parts.append("Each reason: [errors.md](errors.md).")
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _targets(files: Sequence[File]) -> dict[str, str]:
    service, memory, nouns, errors = files
    names = [rpc.name for file in (service, memory) for rpc in file.rpcs()]
    names += [each.name for file in (service, memory, nouns) for each in file.types()]
    targets = {name: f"#{anchor(name)}" for name in names}
    for each in errors.types():
        assert isinstance(each, Enum)
        for name, number, _ in each.values():
            if number:
                reason = name.removeprefix(each.prefix)
                targets[reason] = f"errors.md#{anchor(reason)}"
    return targets


def _index(rpcs: Sequence[Rpc]) -> str:
    return table(
        ["RPC", "kind", "does"],
        [
            [f"[{rpc.name}](#{anchor(rpc.name)})", _kind(rpc), _first_sentence(rpc.comment)]
            for rpc in rpcs
        ],
    )


def _kind(rpc: Rpc) -> str:
    match rpc.descriptor.client_streaming, rpc.descriptor.server_streaming:
        case True, True:
            return "streams both ways"
        case True, False:
            return "client stream"
        case False, True:
            return "server stream"
        case _:
            return "unary"


def _first_sentence(comment: str) -> str:
    text = " ".join(comment.split())
    ends = [text.find(mark) for mark in (". ", "; ", ": ") if mark in text]
    return text[: min(ends)] if ends else text.rstrip(".")


def _rpc(rpc: Rpc, links: Links) -> Iterator[str]:
    descriptor = rpc.descriptor
    yield f"### {rpc.name}"
    ends = (
        (descriptor.input_type, descriptor.client_streaming),
        (descriptor.output_type, descriptor.server_streaming),
    )
    request, response = (
        "stream " * stream + links.text(name.removeprefix(".stillframe.v1."))
        for name, stream in ends
    )
    yield f"{request} → {response}"
    yield from links.paragraphs(rpc.comment, but=rpc.name)


def _type(each: Message | Enum, links: Links) -> Iterator[str]:
    yield f"### {each.name}"
    yield from links.paragraphs(each.comment, but=each.name)
    if isinstance(each, Enum):
        yield f"Its values begin with `{each.prefix}`."
        yield table(
            ["value", "number", "meaning"],
            [
                [f"`{name.removeprefix(each.prefix)}`", str(number), links.text(comment)]
                for name, number, comment in each.values()
            ],
        )
    else:
        rows = list(_fields(each, links))
        if rows:
            yield table(["field", "number", "type", "meaning"], rows)


def _fields(message: Message, links: Links) -> Iterator[list[str]]:
    for oneof, fields in groupby(message.fields(), key=lambda each: each.oneof):
        if oneof is not None:
            descriptor, comment = message.oneof(oneof)
            meaning = links.text(comment, but=message.name)
            yield [f"`{descriptor.name}`", "", "one of:", meaning]
        for field in fields:
            yield _field(field, links, indent="· " if oneof is not None else "")


def _field(field: Field, links: Links, *, indent: str) -> list[str]:
    return [
        f"{indent}`{field.descriptor.name}`",
        str(field.descriptor.number),
        links.text(field.type, but=field.message.name),
        links.text(field.comment, but=field.message.name),
    ]
