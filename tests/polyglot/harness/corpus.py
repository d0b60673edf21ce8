"""The corpus: what JSON texts are read as, and which values are written."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from stillframe.v1.snapshot_pb2 import EXECUTION_STATE_RUNNING, ExecutionSnapshot, Payload
from stillframe.v1.snapshot_service_pb2 import SaveSnapshotRequest
from stillframe.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from tests.polyglot.building import ROOT
from tests.polyglot.harness.data import DataError, read_yaml
from tests.polyglot.harness.matching import mismatch
from tests.polyglot.harness.templates import fill

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.polyglot.harness.programs import Speaker

JSON = dict[str, Any]

FILE = ROOT / "tests" / "polyglot" / "corpus.yaml"

UNWRITABLE: Mapping[str, JSON] = {
    "not a number": {"double": "7ff8000000000000"},
    "infinity": {"double": "7ff0000000000000"},
    "minus infinity": {"double": "fff0000000000000"},
    "infinity within": {"object": {"a": {"array": [{"double": "7ff0000000000000"}]}}},
    "NUL": {"string": "a\0b"},
    "NUL in a key": {"object": {"\0": {"int": "1"}}},
    "201 arrays": fill({"$nested": "array", "$times": 201, "$in": {"int": "7"}}, {}),
    "201 empty arrays": fill({"$nested": "array", "$times": 200, "$in": {"array": []}}, {}),
    "201 objects": fill({"$nested": "object", "$times": 201, "$in": {"int": "7"}}, {}),
}
"""Values that no client writes. Lone surrogates belong here too, but a driver that reads its
command into text that cannot hold one never sees it: they are for the clients' own tests.
"""


class CorpusError(AssertionError):
    """A client read or wrote values otherwise than the corpus says."""


@dataclass(frozen=True, slots=True)
class Text:
    """A JSON text, and the value that it is; None if it is refused."""

    data: bytes
    value: JSON | None


def read_corpus(path: Path = FILE) -> dict[str, Text]:
    """The corpus, by the names of its entries."""
    return {name: _text(name, entry) for name, entry in read_yaml(path).items()}


def _text(name: str, entry: JSON) -> Text:
    source, verdict = entry.keys() & {"json", "bytes"}, entry.keys() & {"value", "refused"}
    if len(source) != 1 or len(verdict) != 1 or len(entry) != 2:
        raise DataError(f"{name}: an entry has json or bytes, and a value or is refused")
    if "bytes" in entry:
        data = base64.b64decode(entry["bytes"], validate=True)
    else:
        data = fill(entry["json"], {}).encode()
    return Text(data, fill(entry["value"], {}) if "value" in entry else None)


def store(target: str, tenant: str, execution_id: str, corpus: Mapping[str, Text]) -> None:
    """Saves the texts as variables, by the stubs alone: no client of ours stands between."""
    snapshot = ExecutionSnapshot(
        state=EXECUTION_STATE_RUNNING,
        variables={name: Payload(data=text.data) for name, text in corpus.items()},
    )
    request = SaveSnapshotRequest(tenant_id=tenant, execution_id=execution_id, snapshot=snapshot)
    with grpc.insecure_channel(target) as channel:
        SnapshotServiceStub(channel).SaveSnapshot(request)


def check_reading(driver: Speaker, execution_id: str, corpus: Mapping[str, Text]) -> None:
    """Every text that was stored is read as the corpus says. Raises CorpusError."""
    _compare(_load(driver, execution_id), {name: _read(text) for name, text in corpus.items()})


def _read(text: Text) -> JSON:
    if text.value is not None:
        return text.value
    return {"undecodable": {"data": base64.b64encode(text.data).decode(), "encoding": ""}}


def write(driver: Speaker, execution_id: str, corpus: Mapping[str, Text]) -> None:
    """Saves every value of the corpus through a driver."""
    values = {name: text.value for name, text in corpus.items() if text.value is not None}
    _ask(driver, execution_id, values, {"ok": {"outcome": "CREATED"}})


def check_written(driver: Speaker, execution_id: str, corpus: Mapping[str, Text]) -> None:
    """A driver reads every value that another wrote. Raises CorpusError."""
    expected = {name: text.value for name, text in corpus.items() if text.value is not None}
    _compare(_load(driver, execution_id), expected)


def check_unwritable(driver: Speaker, execution_id: str) -> None:
    """Every value that JSON cannot carry is refused before it is sent."""
    refused = {"error": {"reason": "VALUE_ENCODE"}}
    for name, value in UNWRITABLE.items():
        _ask(driver, execution_id, {name: value}, refused)
    driver.send("load", {"execution_id": execution_id})
    if difference := mismatch({"error": {"reason": "EXECUTION_NOT_FOUND"}}, driver.receive()):
        raise CorpusError(f"something was saved all the same: {difference}")


def _ask(driver: Speaker, execution_id: str, variables: JSON, expected: JSON) -> None:
    snapshot = {"state": "RUNNING", "variables": variables}
    driver.send("save", {"execution_id": execution_id, "snapshot": snapshot})
    if difference := mismatch(expected, driver.receive()):
        raise CorpusError(f"saving {', '.join(variables)[:200]}: {difference}")


def _load(driver: Speaker, execution_id: str) -> JSON:
    driver.send("load", {"execution_id": execution_id})
    answer = driver.receive()
    if "ok" not in answer:
        raise CorpusError(f"the load failed: {answer}")
    variables: JSON = answer["ok"]["snapshot"]["variables"]
    return variables


def _compare(came: JSON, expected: JSON) -> None:
    wrong = [
        f"{name!r}: {difference}"
        for name, value in expected.items()
        if (difference := mismatch(value, came.get(name), "")) is not None
    ]
    if came.keys() != expected.keys():
        wrong.append(f"keys that differ: {sorted(came.keys() ^ expected.keys())}")
    if wrong:
        raise CorpusError(f"{len(wrong)} of {len(expected)} differ\n" + "\n".join(wrong))
