"""The commands of a driver, carried out by the Python client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from stillframe.client import StillframeError, WatchMode
from tests.polyglot.drivers.python import notation as n
from tests.polyglot.drivers.python import options as o
from tests.polyglot.drivers.python.errors import error
from tests.polyglot.drivers.python.memory import MemoryCommands
from tests.polyglot.drivers.python.watches import OpenWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from stillframe.client import Client, Execution, Saver

JSON = dict[str, Any]
TIMEOUT = 30.0
"""Seconds; the client's default, and that of a take."""


class Driver(MemoryCommands):
    """One client of one tenant, and what was opened by name."""

    def __init__(self, connect: Callable[[float], Client]) -> None:
        """`connect` makes the client whose calls have this timeout."""
        self._connect = connect
        self._clients: dict[float, Client] = {}
        self._handles: dict[str, Execution] = {}
        self._savers: dict[str, Saver] = {}
        self._watches: dict[str, OpenWatch] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for watch in self._watches.values():
            watch.close()
        for client in self._clients.values():
            client.close()

    def answer(self, command: JSON) -> JSON:
        """Carries out a command. An argument that is null is unset."""
        given = {key: each for key, each in command["args"].items() if each is not None}
        try:
            call = getattr(self, f"do_{command['call']}")
            return {"ok": call(given)}
        except StillframeError as failure:
            return {"error": error(failure)}
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is reported
            message = f"{type(failure).__name__}: {failure}"
            return {"error": {"reason": "DRIVER", "code": "UNKNOWN", "message": message}}

    def client(self, args: JSON) -> Client:
        """The client whose calls have the command's timeout."""
        timeout = args.get("timeout", TIMEOUT)
        if timeout not in self._clients:
            self._clients[timeout] = self._connect(timeout)
        return self._clients[timeout]

    def do_info(self, args: JSON) -> JSON:
        info = self.client(args).info()
        limits = {name: str(getattr(info.limits, name)) for name in info.limits.__slots__}
        return {
            "server_version": info.server_version,
            "store_kind": info.store_kind,
            "features": list(info.features),
            "limits": limits,
        }

    def do_save(self, args: JSON) -> JSON:
        return n.saved(
            self.client(args).save(
                args["execution_id"],
                n.snapshot(args["snapshot"]),
                writer_epoch=n.number(args.get("writer_epoch")),
                **o.save_options(args),
            )
        )

    def do_load(self, args: JSON) -> JSON:
        return o.loaded(self.client(args).load(args["execution_id"], **o.load_options(args)))

    def do_claim(self, args: JSON) -> JSON:
        return o.claimed(self.client(args).claim(args["execution_id"], **o.claim_options(args)))

    def do_check_freshness(self, args: JSON) -> JSON:
        heads = {key: int(args["heads"][key]) for key in sorted(args["heads"], key=str.encode)}
        return {"results": [n.freshness(each) for each in self.client(args).check_freshness(heads)]}

    def do_list(self, args: JSON) -> JSON:
        found = self.client(args).list(
            n.filter_(args.get("filter")), page_size=args.get("page_size", 0), **o.view(args)
        )
        return {"snapshots": [n.stored(each) for each in found]}

    def do_list_page(self, args: JSON) -> JSON:
        page = self.client(args).list_page(
            n.filter_(args.get("filter")),
            page_size=args.get("page_size", 0),
            page_token=args.get("page_token", ""),
            include_count=args.get("include_count", False),
            **o.view(args),
        )
        answer: JSON = {
            "snapshots": [n.stored(each) for each in page.items],
            "next_page_token": page.next_page_token,
        }
        if page.count is not None:
            answer["count"] = {"value": str(page.count.value), "at_least": page.count.at_least}
        return answer

    def do_history(self, args: JSON) -> JSON:
        found = self.client(args).history(
            args.get("execution_id"),
            filter=n.filter_(args.get("filter")),
            criteria=n.criteria(args.get("criteria")),
            labels=args.get("labels"),
            page_size=args.get("page_size", 0),
            **o.view(args),
        )
        return {"snapshots": [n.stored(each) for each in found]}

    def do_diff(self, args: JSON) -> JSON:
        ends = {
            f"{end}_{name}": each
            for end in ("from", "to")
            for name, each in o.selector(args.get(end, {})).items()
        }
        diff = self.client(args).diff(args["execution_id"], **ends)
        return {
            "from_version": str(diff.from_version),
            "to_version": str(diff.to_version),
            "header_fields": list(diff.header_fields),
            "entries": [
                {"map": each.map.name, "key": each.key, "kind": each.kind.name}
                for each in diff.entries
            ],
        }

    def do_fork(self, args: JSON) -> JSON:
        forked = self.client(args).fork(
            args["execution_id"],
            args["new_execution_id"],
            include_history=args.get("include_history", False),
            sequence_number=n.number(args.get("sequence_number")),
            request_id=args.get("request_id"),
            **o.selector(args),
        )
        return {
            "version": str(forked.version),
            "etag": forked.etag,
            "revision": str(forked.revision),
            "resume_token": forked.resume_token,
            "snapshot_count": str(forked.snapshot_count),
        }

    def do_prune(self, args: JSON) -> JSON:
        versions = args.get("versions")
        count = self.client(args).prune(
            args["execution_id"],
            versions=None if versions is None else [int(each) for each in versions],
            snapshot_ids=args.get("snapshot_ids"),
            criteria=n.criteria(args.get("criteria")),
            labels=args.get("labels"),
            all_history=args.get("all_history", False),
            writer_epoch=n.number(args.get("writer_epoch")),
            request_id=args.get("request_id"),
        )
        return {"deleted_count": str(count)}

    def do_delete(self, args: JSON) -> JSON:
        deleted = self.client(args).delete(
            args["execution_id"],
            expected_etag=args.get("expected_etag"),
            writer_epoch=n.number(args.get("writer_epoch")),
            include_descendants=args.get("include_descendants", False),
            request_id=args.get("request_id"),
        )
        return {
            "deleted_count": str(deleted.deleted_count),
            "revision": str(deleted.revision),
            "resume_token": deleted.resume_token,
        }

    def do_open(self, args: JSON) -> JSON:
        self._handles[args["handle"]] = self.client(args).execution(
            args["execution_id"],
            writer_epoch=n.number(args.get("writer_epoch")),
            overwrite=args.get("overwrite", False),
        )
        return {}

    def do_handle_save(self, args: JSON) -> JSON:
        handle = self._handles[args["handle"]]
        return n.saved(handle.save(n.snapshot(args["snapshot"]), **o.save_options(args)))

    def do_handle_load(self, args: JSON) -> JSON:
        return o.loaded(self._handles[args["handle"]].load(**o.load_options(args)))

    def do_handle_claim(self, args: JSON) -> JSON:
        return o.claimed(self._handles[args["handle"]].claim(**o.claim_options(args)))

    def do_saver_open(self, args: JSON) -> JSON:
        self._savers[args["saver"]] = self.client(args).saver(
            args["execution_id"],
            writer_epoch=n.number(args.get("writer_epoch")),
            overwrite=args.get("overwrite", False),
            max_absence=args.get("max_absence", 60.0),
        )
        return {}

    def do_saver_submit(self, args: JSON) -> JSON:
        self._savers[args["saver"]].submit(n.snapshot(args["snapshot"]))
        return {}

    def do_saver_flush(self, args: JSON) -> JSON:
        saved = self._savers[args["saver"]].flush(args.get("timeout"))
        return {} if saved is None else n.saved(saved)

    def do_saver_close(self, args: JSON) -> JSON:
        self._savers[args["saver"]].close()
        return {}

    def do_watch_open(self, args: JSON) -> JSON:
        watch = self.client(args).watch(
            n.filter_(args.get("filter")),
            resume_token=args.get("resume_token"),
            initial_state=args.get("initial_state", False),
            mode=WatchMode[args.get("mode", "LATEST")],
            restart_if_lost=args.get("restart_if_lost", False),
            **o.view(args),
        )
        self._watches[args["watch"]] = OpenWatch(watch)
        return {}

    def do_watch_take(self, args: JSON) -> JSON:
        watch = self._watches[args["watch"]]
        timeout = args.get("timeout", TIMEOUT)
        return {"events": watch.take(args.get("changes"), args.get("until"), timeout)}

    def do_watch_token(self, args: JSON) -> JSON:
        return {"resume_token": self._watches[args["watch"]].token}

    def do_watch_close(self, args: JSON) -> JSON:
        self._watches.pop(args["watch"]).close()
        return {}
