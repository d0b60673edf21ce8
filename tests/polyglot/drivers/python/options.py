"""The arguments that several commands share, and the answers of those that load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.polyglot.drivers.python import notation as n

if TYPE_CHECKING:
    from stillframe.client import Claim, StoredSnapshot

JSON = dict[str, Any]


def save_options(args: JSON) -> JSON:
    return {
        "expected_etag": args.get("expected_etag"),
        "must_not_exist": args.get("must_not_exist", False),
        "ttl": args.get("ttl"),
        "allow_sequence_regression": args.get("allow_sequence_regression", False),
        "request_id": args.get("request_id"),
    }


def selector(args: JSON) -> JSON:
    return {
        "version": n.number(args.get("version")),
        "snapshot_id": args.get("snapshot_id"),
        "criteria": n.criteria(args.get("criteria")),
    }


def load_options(args: JSON) -> JSON:
    return selector(args) | {
        "projection": n.projection(args.get("projection")),
        "event_store_head": n.number(args.get("event_store_head")),
        "require_fresh": args.get("require_fresh", False),
        "max_behind": n.number(args.get("max_behind")),
        "max_message_bytes": n.number(args.get("max_message_bytes")),
    }


def claim_options(args: JSON) -> JSON:
    return {
        "allow_missing": args.get("allow_missing", False),
        "projection": n.projection(args.get("projection")),
        "event_store_head": n.number(args.get("event_store_head")),
    }


def view(args: JSON) -> JSON:
    return {"full": args.get("full", False), "projection": n.projection(args.get("projection"))}


def loaded(snapshot: StoredSnapshot) -> JSON:
    freshness = {} if snapshot.freshness is None else {"freshness": n.freshness(snapshot.freshness)}
    return {"snapshot": n.stored(snapshot), **freshness}


def claimed(claim: Claim) -> JSON:
    answer: JSON = {"writer_epoch": str(claim.writer_epoch)}
    if claim.snapshot is not None:
        answer["snapshot"] = n.stored(claim.snapshot)
    if claim.freshness is not None:
        answer["freshness"] = n.freshness(claim.freshness)
    return answer
