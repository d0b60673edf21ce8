"""What the numbers were measured on, and what processes used of it."""

from __future__ import annotations

import os
import platform
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")

FSYNCS = 100
FSYNC_BYTES = 16 * 1024


class UnsuitableDiskError(Exception):
    """The folder is not on a disk."""


def filesystem(folder: Path) -> str:
    """Returns the type of the file system that a folder is on; "?" where there is no /proc."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "?"
    best, kind = "", "?"
    for line in mounts.read_text().splitlines():
        _, point, found, *_ = line.split()
        if folder.resolve().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, found
    return kind


def refuse_memory(folder: Path) -> str:
    """Returns the type of the file system. Raises UnsuitableDiskError where nothing is durable."""
    kind = filesystem(folder)
    if kind in {"tmpfs", "ramfs"}:
        raise UnsuitableDiskError(f"{folder} is on {kind}, where an fsync costs nothing")
    return kind


def fsync_seconds(folder: Path, *, in_place: bool) -> list[float]:
    """Returns how long each of some writes of 16 KiB took to be durable, sorted. They make a
    file longer, or are put over what it has, which asks less of the file system.
    """
    path = folder / "fsync"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    found: list[float] = []
    try:
        if in_place:
            os.write(descriptor, bytes(FSYNCS * FSYNC_BYTES))
            os.fsync(descriptor)
            os.lseek(descriptor, 0, os.SEEK_SET)
        for _ in range(FSYNCS):
            begin = time.perf_counter()
            os.write(descriptor, os.urandom(FSYNC_BYTES))
            os.fdatasync(descriptor)
            found.append(time.perf_counter() - begin)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(found)


def description(folder: Path) -> dict[str, object]:
    """Tells what a reader of the numbers must know of the machine."""
    kind = refuse_memory(folder)
    append = fsync_seconds(folder, in_place=False)
    in_place = fsync_seconds(folder, in_place=True)
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_name(),
        "python": platform.python_version(),
        "filesystem": kind,
        "fsync_ms": round(statistics.median(append) * 1e3, 3),
        "fsync_p99_ms": round(append[-2] * 1e3, 3),
        "fsync_in_place_ms": round(statistics.median(in_place) * 1e3, 3),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def written_bytes(pid: int) -> int:
    """Returns what a process has had written to the disk: write_bytes of /proc/PID/io, which
    counts a page of 4 KiB for every one it made dirty, so also what the file system's cache
    has yet to write.
    """
    fields = dict(
        line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines() if line
    )
    return int(fields["write_bytes"])


def cpu_seconds(pids: Iterable[int]) -> float:
    """Returns the CPU time that processes have used, user and system."""
    total = 0
    for pid in pids:
        # The name, in parentheses, may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_bytes(pid: int) -> int:
    """Returns a process's resident set."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def stored_bytes(folder: Path, prefix: str) -> int:
    """Returns the bytes of the files of a database, its log with it."""
    return sum(each.stat().st_size for each in folder.iterdir() if each.name.startswith(prefix))
