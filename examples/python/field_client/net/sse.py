"""Parses Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """An event, and the last id of the stream after it."""

    event: str
    data: str
    id: str


class EventParser:
    """Collects the lines of an event. An event that is cut off is never delivered."""

    def __init__(self) -> None:
        self._id = ""
        self._event = ""
        self._data: list[str] = []

    def feed(self, line: str) -> Event | None:
        """Takes a line without its end. An empty line completes the event, which is returned if it has data."""
        if line == "":
            event, data = self._event or "message", self._data
            self._event, self._data = "", []
            return Event(event, "\n".join(data), self._id) if data else None
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        return None


def split_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The complete lines of a stream of bytes. Lines end with LF, CR or both."""
    rest = b""
    ends_with_cr = False
    for chunk in chunks:
        if ends_with_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        ends_with_cr = chunk.endswith(b"\r")
        *lines, rest = (rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
