"""A client of a shared live field, with the standard library alone."""

from .client import FieldClient
from .files import FolderInUseError
from .net.api import ApiError
from .outbox.entry import Entry
from .validation import InvalidUpdateError

__all__ = ["ApiError", "Entry", "FieldClient", "FolderInUseError", "InvalidUpdateError"]
