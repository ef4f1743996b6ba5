"""The file of an outbox: a journal, to which every change is appended with an fsync before it has an effect elsewhere.

Each line is a checksum and a record in JSON. A line that is torn or damaged is ignored, and so costs what it says and
nothing else. When a process starts, the file is replaced by one without what has been settled.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..files import FileLock, replace_file, sync_folder

Record = dict[str, Any]


class Journal:
    """Appends records to a file. Only one process at a time may have it open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path.with_suffix(".lock"))
        self._is_open = False
        #: None while it is not known which file has the name, since an attempt to replace the file has failed.
        self._file: int | None = None
        #: The number of records in the file.
        self.length = 0
        #: How many lines could not be read.
        self.damaged = 0

    def open(self) -> list[Record]:
        """Locks the file and reads it; `replace` has to follow. Raises FolderInUseError if another process has it."""
        self._lock.acquire()
        return self.read()

    def read(self) -> list[Record]:
        """Reads the file without a lock."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        records = [_decode(line) for line in lines if line]
        self.damaged = records.count(None)
        return [record for record in records if record is not None]

    def replace(self, records: Iterable[Record]) -> None:
        """Replaces all records at once. If that fails, the records stay as they are, and others can be appended."""
        lines = list(map(_encode, records))
        self._close_file()
        replace_file(self._path, b"".join(lines))
        self.length = len(lines)
        self._is_open = True
        self._file = self._open_file()

    def append(self, *records: Record, sync: bool = True) -> None:
        """Does nothing before `replace` and after `close`.

        :param sync: whether to return only when the records would survive a power failure
        """
        if not records or not self._is_open:
            return
        if self._file is None:
            # Either file has all records, but the folder has to keep the name of the one that is appended to.
            sync_folder(self._path.parent)
            self._file = self._open_file()
        # A line that an earlier attempt has left unfinished is ended first.
        _write_all(self._file, b"\n" + b"".join(map(_encode, records)))
        if sync:
            os.fsync(self._file)
        self.length += len(records)

    def close(self) -> None:
        """Unlocks the file."""
        self._is_open = False
        self.length = 0
        self._close_file()
        self._lock.release()

    def _open_file(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _encode(record: Record) -> bytes:
    text = json.dumps(record, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _decode(line: bytes) -> Record | None:
    checksum, _, text = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(text):
            return None
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
