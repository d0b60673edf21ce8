"""A disk that loses what was not synced, as a VFS for SQLite.

Writes go to the real file, where every connection sees them, and to a list of what is
not durable yet; a sync makes the file's list durable. `image` gives the files as they
are found when the power comes back.
"""

# apsw's stubs name Buffer, and Python has that from 3.12 on.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@dataclass(frozen=True)
class Write:
    """A write of data at an offset, or, without data, a truncation to it."""

    offset: int
    data: bytes | None


@dataclass
class Image:
    """What of one file would outlive a power cut, and what might."""

    durable: bytearray
    pending: list[Write] = field(default_factory=list[Write])

    def after(self, survives: Callable[[], bool]) -> bytes:
        """Returns the file after a cut that some of the pending writes survive."""
        found = bytearray(self.durable)
        for write in self.pending:
            if survives():
                _apply(found, write)
        return bytes(found)

    def sync(self) -> None:
        for write in self.pending:
            _apply(self.durable, write)
        self.pending.clear()


def _apply(content: bytearray, write: Write) -> None:
    if write.data is None:
        del content[write.offset :]
        content.extend(bytes(write.offset - len(content)))
        return
    content.extend(bytes(max(write.offset - len(content), 0)))
    content[write.offset : write.offset + len(write.data)] = write.data


class LossyDisk(apsw.VFS):
    """Registers itself under a name, and passes everything on to the default VFS."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "")
        self.name = name
        self._lock = threading.RLock()
        self._images: dict[str, Image] = {}
        self._steps_left: int | None = None
        self.dead = threading.Event()
        """The power is off: every write and every sync fails."""

    def cut_after(self, steps: int) -> None:
        """Cuts the power after so many more writes and syncs."""
        with self._lock:
            self._steps_left = steps

    def cut(self) -> None:
        self.dead.set()

    def write_images(self, into: Path, survives: Callable[[], bool]) -> None:
        """Writes the files into a folder as they are found after the cut.

        The disk works again from then on, so that what has it open can close it.
        """
        with self._lock:
            self._steps_left = None
            self.dead.clear()
            for path, image in self._images.items():
                (into / Path(path).name).write_bytes(image.after(survives))

    def write(self, path: str, write: Write) -> None:
        with self._lock:
            self._step()
            self._images[path].pending.append(write)

    def sync(self, path: str) -> None:
        with self._lock:
            self._step()
            self._images[path].sync()

    def _step(self) -> None:
        if self._steps_left is not None:
            self._steps_left -= 1
            if self._steps_left < 0:
                self.dead.set()
        if self.dead.is_set():
            raise apsw.IOError("the power is off")

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        if name is None:  # a temporary file: nobody looks for it after a cut
            return apsw.VFSFile("", name, flags)
        path = name if isinstance(name, str) else name.filename()
        with self._lock:
            if path not in self._images:
                file = Path(path)
                found = bytearray(file.read_bytes() if file.exists() else b"")
                self._images[path] = Image(found)
        return LossyFile(self, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's
        with self._lock:
            self._images.pop(filename, None)
        super().xDelete(filename, syncdir)


@contextmanager
def lossy_disk() -> Generator[LossyDisk]:
    """Gives a disk that a store can be opened on by its name."""
    disk = LossyDisk(f"lossy-{os.urandom(8).hex()}")
    try:
        yield disk
    finally:
        disk.unregister()


class LossyFile(apsw.VFSFile):
    """An open file of the disk."""

    def __init__(
        self, disk: LossyDisk, path: str, name: str | apsw.URIFilename, flags: list[int]
    ) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._path = path

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.write(self._path, Write(offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.write(self._path, Write(newsize, None))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.sync(self._path)
        # The real disk need not: the images are what counts.
        _ = flags
