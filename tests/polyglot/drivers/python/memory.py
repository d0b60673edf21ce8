"""The commands of the working memory."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from tests.polyglot.drivers.python import notation as n

if TYPE_CHECKING:
    from stillframe.client import Client, KeyInfo, StoredValue, ValueCommit

JSON = dict[str, Any]


class MemoryCommands(ABC):
    """What a driver does with values that stand beside the snapshots."""

    @abstractmethod
    def client(self, args: JSON) -> Client:
        """The client whose calls have the command's timeout."""

    def do_set_value(self, args: JSON) -> JSON:
        commit = self.client(args).set_value(
            args["key"],
            base64.b64decode(args["value"]),
            execution_id=args.get("execution_id"),
            ttl=args.get("ttl"),
            expected_etag=args.get("expected_etag"),
            must_not_exist=args.get("must_not_exist", False),
            request_id=args.get("request_id"),
        )
        return _commit(commit)

    def do_get_value(self, args: JSON) -> JSON:
        stored = self.client(args).get_value(args["key"], execution_id=args.get("execution_id"))
        return {"value": base64.b64encode(stored.value).decode(), **_commit(stored)}

    def do_delete_value(self, args: JSON) -> JSON:
        deleted = self.client(args).delete_value(
            args["key"],
            execution_id=args.get("execution_id"),
            expected_etag=args.get("expected_etag"),
        )
        return {"deleted": deleted}

    def do_list_keys(self, args: JSON) -> JSON:
        keys = self.client(args).list_keys(
            execution_id=args.get("execution_id"),
            key_prefix=args.get("key_prefix"),
            page_size=args.get("page_size", 0),
        )
        return {
            "keys": [
                {"key": each.key, "size_bytes": str(each.size_bytes), **_commit(each)}
                for each in keys
            ]
        }


def _commit(commit: ValueCommit | StoredValue | KeyInfo) -> JSON:
    expires = commit.expire_time_ns
    return {
        "etag": commit.etag,
        "commit_time": n.time(commit.commit_time_ns),
        **({} if expires is None else {"expire_time": n.time(expires)}),
    }
