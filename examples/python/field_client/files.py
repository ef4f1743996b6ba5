"""Files that survive crashes, and a lock that does not."""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt


class FolderInUseError(RuntimeError):
    """Another process uses the same outbox. Two processes would give different updates the same counter."""


class FileLock:
    """A lock that the operating system releases when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> None:
        """Raises FolderInUseError if another process has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            else:
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            os.close(file)
            message = f"Another process uses {self._path.parent}. Close it, or use another folder (--folder)."
            raise FolderInUseError(message) from error
        self._file = file

    def release(self) -> None:
        """Does nothing if it is not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file so that a crash leaves either the old one or the new one, whole. Only the owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        try:
            with os.fdopen(file, "wb", closefd=False) as stream:
                stream.write(data)
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(temporary, path)
    except OSError:
        # On a full disk, what was written of it would take the space of later changes.
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes a new name in the folder durable. Windows cannot open folders, and does so by itself."""
    if os.name == "nt":
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
