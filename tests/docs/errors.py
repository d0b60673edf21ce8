"""docs/errors.md: every reason with its code, its metadata, what to do, and its class.

Codes come from the server's one table, meanings and metadata from error.proto, classes,
retries and exit codes from the client and the command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stillframe.cli.exits import exit_code
from stillframe.client._retry import is_transient
from stillframe.client._statuses import BY_REASON
from stillframe.server.errors import CODE_OF_REASON
from stillframe.v1 import error_pb2
from tests.docs.contract import Enum
from tests.docs.markdown import Links, anchor, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stillframe.client import StillframeError
    from tests.docs.contract import File, Rpc

ADVICE = {
    "INVALID_FIELD": "Correct the request: each violation of BadRequest names a field and says "
    "why. The same request can never succeed.",
    "MALFORMED_MESSAGE": "Send the message that the RPC takes; look for a client generated from "
    "another contract, or a proxy that changes bytes.",
    "PAGE_TOKEN_MISMATCH": "Ask for the page with the request that gave the token, changed in "
    "nothing but page_size and max_message_bytes; or begin with the first page.",
    "REQUEST_ID_REUSED": "Give every request an id of its own, and repeat only the same request "
    "with it.",
    "EXECUTION_NOT_FOUND": "Begin the run anew, or look for its id in the right tenant. After a "
    "delta: save the whole snapshot.",
    "SNAPSHOT_NOT_FOUND": "Select another: the version was pruned or never existed, or no "
    "snapshot meets the criteria. ListSnapshots has those that exist.",
    "EXECUTION_EXISTS": "Somebody else created it. Load it and go on from there, or take another "
    "id.",
    "SNAPSHOT_ID_EXISTS": "Take another snapshot_id, or none. It is free again when its snapshot "
    "is deleted.",
    "ETAG_MISMATCH": "Somebody else has written. Load the head, or get the value, decide again, "
    "and write with its etag.",
    "DELTA_BASE_MISMATCH": "Somebody else has written. Load the head and work out the delta "
    "against it, or save the whole snapshot if yours is the truth.",
    "FENCED": "Stop working on the execution: another engine has taken it over, and whatever "
    "this one does now may be done twice. A higher epoch is for an engine that takes over, never "
    "a way past this.",
    "SEQUENCE_REGRESSION": "Load: the head includes events that this engine has not seen. Set "
    "allow_sequence_regression only when going back is meant, as after a reset of the event "
    "store.",
    "SNAPSHOT_STALE": "Rebuild from the event store: load without the bound and replay from "
    "snapshot_sequence + 1.",
    "SNAPSHOT_AHEAD": "Do not resume: the event store lost events that the snapshot includes. "
    "Restore them, or decide which of the two is right.",
    "HISTORY_COMPACTED": "Start the watch over with the initial state. In Python "
    "`restart_if_lost` does so.",
    "STORE_REPLACED": "Start the watch over with the initial state, and treat what was derived "
    "from the old store with care. In Python `restart_if_lost` does so.",
    "REVISION_IN_FUTURE": "As for STORE_REPLACED: the store was restored to an earlier state, or "
    "the token is another store's.",
    "SNAPSHOT_TOO_LARGE": "Save less: keep large values elsewhere and their address here. "
    "GetServerInfo has the limits.",
    "QUOTA_EXCEEDED": "Delete what is no longer needed, or have the quota raised.",
    "RATE_LIMITED": "Wait as long as RetryInfo says, then repeat with the same request_id.",
    "SERVER_BUSY": "Wait as long as RetryInfo says, then repeat with the same request_id; send "
    "less at a time.",
    "CREDENTIALS_REQUIRED": "Send credentials.",
    "CREDENTIALS_INVALID": "Get new credentials.",
    "TENANT_DENIED": "Use credentials of that tenant.",
    "SCOPE_DENIED": "Use credentials that allow the RPC.",
    "STORE_UNAVAILABLE": "Wait as long as RetryInfo says, then repeat with the same request_id: "
    "if the call took effect, that gives its answer again.",
    "SHUTTING_DOWN": "Repeat with the same request_id, at another server or after the restart.",
    "INTERNAL": "Give the error_id to who runs the server. A repeat with the same request_id is "
    "safe.",
    "UNIMPLEMENTED": "Use a server that has the RPC; GetServerInfo names the features.",
    "VALUE_NOT_FOUND": "Set it anew, or look for the key in the right scope: that of an "
    "execution, or the tenant's own.",
    "VALUE_EXISTS": "Somebody else set it. Get it and go on from there, or take another key.",
    "VALUE_TOO_LARGE": "Set less, or put the value into the variables of a snapshot, which may "
    "be larger. GetServerInfo has the limits.",
}
"""What the caller should do."""

_HEAD = """\
<!-- Written by `make docs` from error.proto, the server's table and the client's classes. -->

# Errors

The details of an error say more than its code, in a form for programs. Its message is
English for the developer, and no program should read it. An error that a
broken connection or a proxy makes up has a code and no reason.
"""

_METADATA = re.compile(r"([a-z_]+)( \([^)]*\))?(?:, |$|(?=[.;]))")


@dataclass(frozen=True)
class Reason:
    """One reason, put together from where its parts stand."""

    name: str
    code: str
    meaning: str
    metadata: str
    kind: type[StillframeError]
    rpcs: Sequence[str]
    """Those whose comment names it; empty means any."""


def page(files: Sequence[File]) -> str:
    """Returns the text of the page."""
    service, memory, _, errors = files
    rpcs = [*service.rpcs(), *memory.rpcs()]
    reasons = list(_reasons(service.comment, rpcs, errors))
    links = Links(
        {each.name: f"#{anchor(each.name)}" for each in reasons}
        | {rpc.name: f"reference.md#{anchor(rpc.name)}" for rpc in rpcs}
    )
    parts = [_HEAD, *links.paragraphs(errors.comment.partition("\n\n")[2])]
    parts.append(_overview(reasons))
    for reason in reasons:
        parts += _section(reason, links)
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _reasons(of_all: str, rpcs: Sequence[Rpc], errors: File) -> Iterator[Reason]:
    """`of_all`: the comment that says what every RPC can answer."""
    [enum] = errors.types()
    assert isinstance(enum, Enum)
    named = {rpc.name: _words(rpc.comment) for rpc in rpcs}
    for rpc in rpcs:
        # As in "with the reasons of SaveSnapshot".
        for other in re.findall(r"reasons of (\w+)", " ".join(rpc.comment.split())):
            named[rpc.name] |= named[other]
    # A code with reasons in brackets stands for these alone.
    comment = " ".join(of_all.split())
    everywhere = _words(re.sub(r"[A-Z_]+ (?=\()", "", comment))
    for value, number, comment in enum.values():
        if not number:
            continue
        name = value.removeprefix(enum.prefix)
        code, _, text = " ".join(comment.split()).partition(": ")
        meaning, _, metadata = text.partition(" Metadata: ")
        reason = error_pb2.ErrorReason.Value(value)
        if CODE_OF_REASON[reason].name != code:
            raise ValueError(f"error.proto gives {name} another code than the server does")
        yield Reason(
            name=name,
            code=code,
            meaning=meaning,
            metadata=metadata,
            kind=BY_REASON[name],
            rpcs=()
            if everywhere & {name, code}
            else [rpc for rpc, reasons in named.items() if name in reasons],
        )


def _words(comment: str) -> set[str]:
    return set(re.findall(r"\b[A-Z_]{3,}\b", comment))


def _overview(reasons: Sequence[Reason]) -> str:
    by_code: dict[str, list[str]] = {}
    for each in reasons:
        by_code.setdefault(each.code, []).append(f"[{each.name}](#{anchor(each.name)})")
    return table(["code", "reasons"], [[code, ", ".join(names)] for code, names in by_code.items()])


def _section(reason: Reason, links: Links) -> Iterator[str]:
    yield f"## {reason.name}"
    first, _, rest = reason.meaning.partition(" ")
    meaning = f"{first if '_' in first else first.capitalize()} {rest}"
    yield f"**{reason.code}.** {links.text(meaning, but=reason.name)}"
    error, base = reason.kind(), reason.kind.__mro__[1]
    retried = "; retried by itself" if is_transient(error) else ""
    rows = [f"- **To do:** {links.text(ADVICE[reason.name], but=reason.name)}"]
    if reason.metadata:
        rows.append(f"- **Metadata:** {_keys(reason.metadata)}")
    rows += [
        f"- **From:** {', '.join(map(links.text, reason.rpcs)) or 'every RPC'}",
        f"- **In Python:** `{reason.kind.__name__}` (a kind of `{base.__name__}`){retried}",
        f"- **The command** exits with {exit_code(error).value}",
    ]
    yield "\n".join(rows)


def _keys(metadata: str) -> str:
    """The keys as code; what is said about them, as it stands."""
    parts: list[str] = []
    at = 0
    while match := _METADATA.match(metadata, at):
        parts.append(f"`{match[1]}`{match[2] or ''}")
        at = match.end()
    return ", ".join(parts) + metadata[at:]
