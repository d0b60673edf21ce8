"""What is particular to the SQLite store: its file, its lock, its one transaction for many."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from stillframe.server.stores import open_store
from stillframe.server.stores.base import StoreConfig, StoreOpenError, UnknownStoreError
from stillframe.server.stores.patches import DamagedError
from stillframe.server.stores.projection import EVERYTHING
from stillframe.server.stores.records import Claimed
from stillframe.server.stores.refusals import Refusal
from stillframe.server.stores.retention import Retention
from stillframe.server.stores.sql import freeing
from stillframe.server.stores.sqlite import bulk, saving
from stillframe.server.stores.sqlite import connection as opening
from stillframe.server.stores.sqlite.saving import Writer
from stillframe.server.stores.sqlite.verifying import verify
from stillframe.v1 import error_pb2, snapshot_pb2
from stillframe.v1.snapshot_service_pb2 import (
    DeleteExecutionRequest,
    SaveSnapshotRequest,
    SnapshotSelector,
)
from tests.integration.lossy_disk import lossy_disk

if TYPE_CHECKING:
    from pathlib import Path

    from stillframe.server.stores import rules


def a_save(execution_id: str, sequence: int = 1) -> SaveSnapshotRequest:
    request = SaveSnapshotRequest(tenant_id="t", execution_id=execution_id)
    request.snapshot.state = snapshot_pb2.EXECUTION_STATE_RUNNING
    request.snapshot.sequence_number = sequence
    request.snapshot.variables["v"].data = b"%d" % sequence
    return request


async def saved_ids(url: str) -> list[str]:
    store = await open_store(url)
    try:
        where = snapshot_pb2.ExecutionFilter()
        found = await store.list_executions("t", where, after="", limit=99, selection=EVERYTHING)
        return [item.header.execution_id for item in found.page.items]
    finally:
        await store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    "bad", ["sqlite:", "sqlite://", "sqlite:///", "sqlite://host/x.db", "sqlite:///x.db?mode=ro"]
)
async def test_a_url_that_names_no_file_is_refused(bad: str) -> None:
    with pytest.raises(UnknownStoreError):
        await open_store(bad)


async def test_a_second_server_on_the_file_is_refused_until_the_first_has_closed(url: str) -> None:
    first = await open_store(url)
    with pytest.raises(StoreOpenError, match="another server"):
        await open_store(url)
    await first.close()
    await (await open_store(url)).close()


async def test_a_folder_that_is_not_there_is_a_clean_error(tmp_path: Path) -> None:
    with pytest.raises(StoreOpenError):
        await open_store(f"sqlite:///{tmp_path}/missing/s.db")


async def test_a_database_of_another_program_is_left_alone(path: Path, url: str) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreOpenError, match="another program"):
        await open_store(url)


async def test_what_is_no_database_is_left_alone(path: Path, url: str) -> None:
    path.write_bytes(b"not a database, and longer than a page header of SQLite is" * 9)
    with pytest.raises(StoreOpenError):
        await open_store(url)
    assert path.read_bytes().startswith(b"not a database")


async def test_a_newer_schema_is_refused(path: Path, url: str) -> None:
    await (await open_store(url)).close()
    newest = max(version for version, _ in opening.migrations())
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {newest + 1}")
    other.close()
    with pytest.raises(StoreOpenError, match="newer server"):
        await open_store(url)


async def test_what_was_saved_is_there_when_the_file_is_opened_again(url: str) -> None:
    store = await open_store(url)
    answer = await store.save(a_save("run"))
    await store.close()
    store = await open_store(url)
    stored = await store.load("t", "run", SnapshotSelector(), EVERYTHING)
    assert stored.header.etag == answer.etag
    assert (await store.position("t")).revision == answer.revision
    await store.close()


async def test_a_save_that_breaks_fails_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save = Writer.save

    def breaks(self: Writer, each: rules.Save) -> Any:
        answer = save(self, each)
        self.flush()
        if each.request.execution_id == "bad":
            raise RuntimeError("after it has written")
        return answer

    monkeypatch.setattr(Writer, "save", breaks)
    store = await open_store(url)
    names = ["a", "bad", "b", "c"]
    answers = await asyncio.gather(
        *(store.save(a_save(name)) for name in names), return_exceptions=True
    )
    await store.close()
    assert [type(answer).__name__ for answer in answers] == [
        "SaveSnapshotResponse",
        "RuntimeError",
        "SaveSnapshotResponse",
        "SaveSnapshotResponse",
    ]
    assert await saved_ids(url) == ["a", "b", "c"]


async def test_a_full_disk_is_unavailable_and_nothing_is_half_written(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(url)
    await store.save(a_save("before"))

    def full(*_: object) -> None:
        raise apsw.FullError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(bulk, "write", full)
        with pytest.raises(Refusal) as refused:
            await store.save(a_save("during"))
    assert refused.value.reason == error_pb2.ERROR_REASON_STORE_UNAVAILABLE
    assert refused.value.retry_after
    answer = await store.save(a_save("after"))
    assert answer.revision == 2
    await store.close()
    assert await saved_ids(url) == ["after", "before"]


async def test_a_batch_that_forgets_what_it_has_written_goes_on_from_it(
    path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "BATCH_BYTES", 0)
    store = await open_store(url, StoreConfig(head_cache_bytes=0))
    saves = [a_save(f"run-{number % 3}", number) for number in range(1, 100)]
    answers = await store.save_many(saves)
    assert [answer.version for answer in answers if not isinstance(answer, Refusal)] == [
        1 + number // 3 for number in range(99)
    ]
    for number in range(1, 100):
        selector = SnapshotSelector(version=1 + (number - 1) // 3)
        stored = await store.load("t", f"run-{number % 3}", selector, EVERYTHING)
        assert stored.header.sequence_number == number
    await store.close()
    assert verify(str(path)).is_sound


async def test_housekeeping_that_was_rolled_back_is_done_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(url, StoreConfig(retention=Retention(versions=1)))
    for sequence in range(1, 4):
        await store.save(a_save("run", sequence))

    def full(*_: object) -> None:
        raise apsw.FullError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(freeing, "forget_tombstones", full)
        with pytest.raises(Refusal):
            await store.maintain(1_000)
    while await store.maintain(1_000):
        pass
    with pytest.raises(Refusal) as refused:
        await store.load("t", "run", SnapshotSelector(version=2), EVERYTHING)
    await store.close()
    assert refused.value.reason == error_pb2.ERROR_REASON_SNAPSHOT_NOT_FOUND


async def test_another_programs_transaction_holds_saves_up_and_loads_not(
    path: Path, url: str
) -> None:
    store = await open_store(url)
    await store.save(a_save("run", 1))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        saving = asyncio.create_task(store.save(a_save("run", 2)))
        for _ in range(3):
            stored = await store.load("t", "run", SnapshotSelector(), EVERYTHING)
            assert stored.header.version == 1
        assert not saving.done()
        other.execute("COMMIT")
    assert (await saving).version == 2
    await store.close()


async def test_what_is_decided_at_once_and_what_is_not_keep_their_order(url: str) -> None:
    """A claim between saves is for the writer's thread; those before it are not."""
    store = await open_store(url)
    await store.save(a_save("run", 1))
    first = [store.save(a_save("run", sequence)) for sequence in (2, 3)]
    claim = store.claim("t", "run", allow_missing=False, selection=EVERYTHING)
    late = store.save(a_save("run", 4))
    *answers, claimed, fenced = await asyncio.gather(*first, claim, late, return_exceptions=True)
    assert [getattr(answer, "version", None) for answer in answers] == [2, 3]
    assert isinstance(claimed, Claimed)
    assert claimed.head is not None
    assert claimed.head.header.version == 3
    assert isinstance(fenced, Refusal)
    assert fenced.reason == error_pb2.ERROR_REASON_FENCED
    await store.close()


async def test_what_a_batch_sets_and_removes_again_is_not_there(url: str) -> None:
    store = await open_store(url, StoreConfig(head_cache_bytes=0))
    await store.save(a_save("run", 1))
    requests = [a_save("run", sequence) for sequence in (2, 3, 4, 5)]
    for request in (requests[0], requests[2]):
        request.snapshot.variables["brief"].data = b"%d" % request.snapshot.sequence_number
    answers = await store.save_many(requests)
    assert [getattr(answer, "version", None) for answer in answers] == [2, 3, 4, 5]
    # From the file: nothing is in memory.
    found: list[list[str]] = []
    for version in range(1, 6):
        stored = await store.load("t", "run", SnapshotSelector(version=version), EVERYTHING)
        found.append([entry.key for entry, _ in stored.entries])
    await store.close()
    assert found == [["v"], ["brief", "v"], ["v"], ["brief", "v"], ["v"]]


@pytest.mark.parametrize("failures", [1, 3], ids=["once", "again"])
async def test_what_fails_on_the_event_loop_is_done_again_in_the_thread(
    url: str, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    """Saves of heads in memory are decided at once; a disk that is full shows there first."""
    store = await open_store(url)
    await store.save(a_save("run", 1))
    write, threads = bulk.write, list[str]()

    def fails(*arguments: Any) -> None:
        threads.append(threading.current_thread().name)
        if len(threads) <= failures:
            raise apsw.FullError("the disk is full")
        write(*arguments)

    monkeypatch.setattr(bulk, "write", fails)
    saved = await asyncio.gather(store.save(a_save("run", 2)), return_exceptions=True)
    assert threads[:2] == ["MainThread", "stillframe-writer"]
    if failures == 1:
        assert getattr(saved[0], "version", None) == 2
    else:
        assert isinstance(saved[0], Refusal)
        assert saved[0].reason == error_pb2.ERROR_REASON_STORE_UNAVAILABLE
        monkeypatch.setattr(bulk, "write", write)
        assert (await store.save(a_save("run", 2))).version == 2
    stored = await store.load("t", "run", SnapshotSelector(), EVERYTHING)
    assert (stored.header.version, stored.header.revision) == (2, 2)
    await store.close()


async def test_no_save_is_acknowledged_that_updates_a_row_that_is_not_there(
    path: Path, url: str
) -> None:
    """Whatever took the row away: memory must not be believed."""
    store = await open_store(url)
    await store.save(a_save("run", 1))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM execution")
    answer = await store.save(a_save("run", 2))
    stored = await store.load("t", "run", SnapshotSelector(), EVERYTHING)
    assert stored.header.etag == answer.etag
    await store.close()
    assert await saved_ids(url) == ["run"]


async def test_a_commit_that_fails_is_done_again_job_by_job(url: str) -> None:
    connections: list[apsw.Connection] = []
    apsw.connection_hooks.append(connections.append)
    try:
        store = await open_store(url)
    finally:
        apsw.connection_hooks.remove(connections.append)
    await asyncio.gather(*(store.save(a_save(f"run-{number}", 1)) for number in range(5)))
    commits = 0

    def first_fails() -> bool:
        nonlocal commits
        commits += 1
        return commits == 1

    for connection in connections:
        connection.set_commit_hook(first_fails)
    answers = await asyncio.gather(*(store.save(a_save(f"run-{n}", 2)) for n in range(5)))
    assert commits == 1 + 5
    assert [answer.version for answer in answers] == [2] * 5
    assert sorted(answer.revision for answer in answers) == [6, 7, 8, 9, 10]
    for number in range(5):
        stored = await store.load("t", f"run-{number}", SnapshotSelector(), EVERYTHING)
        assert stored.header.version == 2
    await store.close()


async def test_a_fault_after_a_commit_does_not_end_the_writer(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(url)

    def faulty(_: Writer) -> None:
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as broken:
        broken.setattr(Writer, "settle", faulty)
        assert (await store.save(a_save("run", 1))).version == 1
    for sequence in (2, 3):
        assert (await store.save(a_save("run", sequence))).version == sequence
        stored = await store.load("t", "run", SnapshotSelector(), EVERYTHING)
        assert stored.header.version == sequence
    await store.close()


async def test_a_damaged_value_fails_no_save_of_another(path: Path, url: str) -> None:
    store = await open_store(url)
    request = a_save("run", 1)
    request.snapshot.variables["other"].data = b"a text that compresses " * 99
    await store.save(request)
    await store.close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE entry SET payload = x'00' WHERE key = 'other'")
    store = await open_store(url)
    request.snapshot.sequence_number = 2
    request.snapshot.variables["v"].data = b"2"
    assert (await store.save(request)).version == 2
    request.snapshot.variables["other"].data = b"new"
    with pytest.raises(DamagedError):
        await store.save(request)
    await store.close()


async def test_more_than_may_wait_is_refused_as_busy(url: str) -> None:
    store = await open_store(url, StoreConfig(max_inflight_bytes=50_000))
    requests = [a_save(f"run-{number}") for number in range(20)]
    for request in requests:
        request.snapshot.variables["v"].data = bytes(10_000)
    answers = await asyncio.gather(*map(store.save, requests), return_exceptions=True)
    busy = [answer for answer in answers if isinstance(answer, Refusal)]
    assert 0 < len(busy) < 20
    assert {refusal.reason for refusal in busy} == {error_pb2.ERROR_REASON_SERVER_BUSY}
    assert all(refusal.retry_after for refusal in busy)
    await store.close()
    assert len(await saved_ids(url)) == 20 - len(busy)


async def test_a_refused_read_does_not_hold_an_old_snapshot(url: str) -> None:
    store = await open_store(url)
    await store.save(a_save("run", 1))
    for sequence in range(2, 20):
        with pytest.raises(Refusal):
            await store.load("t", "run", SnapshotSelector(version=99), EVERYTHING)
        await store.save(a_save("run", sequence))
        stored = await store.load("t", "run", SnapshotSelector(), EVERYTHING)
        assert stored.header.sequence_number == sequence
    await store.close()


async def test_a_delete_frees_what_it_left_behind_in_slices(path: Path, url: str) -> None:
    store = await open_store(url, StoreConfig(change_log_size=1))
    for sequence in range(1, 30):
        await store.save(a_save("run", sequence))
    await store.save(a_save("other"))
    await store.delete(DeleteExecutionRequest(tenant_id="t", execution_id="run"))
    slices = 1
    while await store.maintain(7):
        slices += 1
    await store.close()
    assert slices > 5
    database = sqlite3.connect(path)
    counts = {
        table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("entry", "history", "garbage", "change")
    }
    database.close()
    # What is left is the other execution's, and the newest change.
    assert counts == {"entry": 1, "history": 0, "garbage": 0, "change": 2}


async def test_a_disk_that_fails_at_the_close_does_not_keep_the_lock(path: Path, url: str) -> None:
    with lossy_disk() as disk:
        store = await open_store(f"{url}?vfs={disk.name}")
        await store.save(a_save("run"))
        disk.cut()
        await store.close()
        images = path.parent / "after"
        images.mkdir()
        disk.write_images(images, lambda: False)
    assert await saved_ids(f"sqlite:///{images / path.name}") == ["run"]
    held = opening.lock(str(path))
    held.release()
