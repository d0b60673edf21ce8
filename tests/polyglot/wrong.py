"""Drivers that are the Python one but for one thing that they do wrong: each is caught by a named
scene, entry of the corpus, or case of the errors (test_wrong_drivers.py).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, cast

from stillframe.client import Client, RetryPolicy
from tests.polyglot.drivers.python.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = dict[str, Any]


class Changed(Driver):
    """Changes every object of its answers."""

    def answer(self, command: JSON) -> JSON:
        return cast("JSON", self._changed(super().answer(command)))

    def _changed(self, answer: Any) -> Any:
        if isinstance(answer, list):
            return [self._changed(each) for each in answer]  # pyright: ignore[reportUnknownVariableType]
        if isinstance(answer, dict):
            items = cast("JSON", answer).items()
            return self.change({key: self._changed(each) for key, each in items})
        return answer

    def change(self, found: JSON) -> JSON:
        raise NotImplementedError


class ReadsIntegersAsDoubles(Changed):
    """As JSON.parse does."""

    def change(self, found: JSON) -> JSON:
        if found.keys() == {"int"} and isinstance(found["int"], str):
            return {"double": struct.pack(">d", float(int(found["int"]))).hex()}
        return found


class ReadsSignedIntegersAlone(Changed):
    """Makes a double of an integer above i64."""

    def change(self, found: JSON) -> JSON:
        if found.keys() == {"int"} and isinstance(found["int"], str):
            number = int(found["int"])
            return found if number < 2**63 else {"double": struct.pack(">d", number).hex()}
        return found


class ReadsFloats(Changed):
    """Through a number of 32 bits."""

    def change(self, found: JSON) -> JSON:
        if found.keys() == {"double"} and isinstance(found["double"], str):
            (number,) = struct.unpack(">d", bytes.fromhex(found["double"]))
            short = struct.unpack(">f", struct.pack(">f", number))[0] if abs(number) < 1e38 else 0.0
            return {"double": struct.pack(">d", short).hex()}
        return found


class ReadsWhatIsNoValue(Changed):
    """Gives null for what cannot be decoded."""

    def change(self, found: JSON) -> JSON:
        return {"null": None} if found.keys() == {"undecodable"} else found


class LosesOmissions(Changed):
    """Says nothing of what an answer leaves out."""

    def change(self, found: JSON) -> JSON:
        found.pop("omission", None)
        return found


class RoundsTimes(Changed):
    """To microseconds, as many languages do."""

    def change(self, found: JSON) -> JSON:
        if "timestamp" in found:
            found["timestamp"] = found["timestamp"][:26].rstrip("Z") + "Z"
        return found


class LosesUnset(Changed):
    """Reads an unset id as an empty one."""

    def change(self, found: JSON) -> JSON:
        return {"user_id": ""} | found if "sequence_number" in found else found


class TellsTokensTooEarly(Changed):
    """Gives a token in the initial state, from which a client would lose the rest."""

    def change(self, found: JSON) -> JSON:
        return found | {"resume_token": "r1-a"} if found.get("initial") else found


class TellsErrorsApartByCode(Changed):
    """Has no reason in its errors."""

    def change(self, found: JSON) -> JSON:
        return found | {"reason": ""} if "code" in found else found


class LosesMetadata(Changed):
    """Drops what an error's message mentions."""

    def change(self, found: JSON) -> JSON:
        if "code" in found:
            found.pop("metadata", None)
        return found


class WritesNaN(Driver):
    """Writes null where JSON has no number."""

    def do_save(self, args: JSON) -> JSON:
        variables = args["snapshot"].get("variables", {})
        args["snapshot"]["variables"] = {
            key: {"null": None} if "double" in value else value for key, value in variables.items()
        }
        return super().do_save(args)


class Repeats(Driver):
    """Delivers a change of a watch twice."""

    def do_watch_take(self, args: JSON) -> JSON:
        answer = super().do_watch_take(args)
        events = answer["events"]
        if len(events) > 2:
            events[2] = events[1]
        return answer


class LosesTheFirstAfterResuming(Driver):
    """Passes over the change after its token."""

    def do_watch_open(self, args: JSON) -> JSON:
        self.resumed = "resume_token" in args
        return super().do_watch_open(args)

    def do_watch_take(self, args: JSON) -> JSON:
        events = super().do_watch_take(args)["events"]
        first, self.resumed = int(self.resumed), False
        return {"events": events[first:]}


class IgnoresTokens(Driver):
    """Watches from now on, wherever it was to go on."""

    def do_watch_open(self, args: JSON) -> JSON:
        return super().do_watch_open(args | {"resume_token": None})


class KeepsWatching(Driver):
    """Does not end the call of a watch that its consumer has left."""

    def do_watch_close(self, args: JSON) -> JSON:
        assert args
        return {}


class Overwrites(Driver):
    """Saves over what somebody else has written."""

    def do_open(self, args: JSON) -> JSON:
        return super().do_open(args | {"overwrite": True})


class NeverOverwrites(Driver):
    """Refuses to save over it although it was told to."""

    def do_open(self, args: JSON) -> JSON:
        return super().do_open(args | {"overwrite": False})


class ForgetsItsEpoch(Driver):
    """Claims, and saves as if it had not."""

    def do_handle_claim(self, args: JSON) -> JSON:
        answer = super().do_handle_claim(args)
        self._handles[args["handle"]].writer_epoch = None
        return answer


class KeepsTheOldest(Driver):
    """Saves in the background what came first."""

    def do_saver_submit(self, args: JSON) -> JSON:
        number = args["snapshot"].get("sequence_number")
        return {} if number == "200" else super().do_saver_submit(args)


class UsesOneRequestId(Driver):
    """Gives every save the same request_id."""

    def do_save(self, args: JSON) -> JSON:
        return super().do_save({"request_id": "mine"} | args)


class ReadsOnePage(Driver):
    """Stops a list after its first page."""

    def do_list(self, args: JSON) -> JSON:
        return {"snapshots": self.do_list_page(args)["snapshots"]}


class NeverRetries(Driver):
    """Gives up at the first refusal."""

    def __init__(self, connect: Callable[[float], Client]) -> None:
        def once(timeout: float) -> Client:
            client = connect(timeout)
            target, tenant = client._connection.target, client.tenant  # pyright: ignore[reportPrivateUsage]
            return Client(target, tenant=tenant, retry=RetryPolicy(max_attempts=1))

        super().__init__(once)


class RetriesAnything(Driver):
    """Tries everything twice."""

    def do_load(self, args: JSON) -> JSON:
        try:
            return super().do_load(args)
        except Exception:  # noqa: BLE001 - the point of it
            return super().do_load(args)
