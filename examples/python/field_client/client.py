"""The client of one field: what an app uses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Callable, Union
from urllib.parse import quote, urlsplit

from .clock import HybridClock, wall_clock
from .net.api import Api
from .net.identity import Identity, read_claims
from .net.stream import EventStream, StreamHandlers
from .outbox.entry import Entry
from .outbox.journal import Journal
from .outbox.store import OutboxStore
from .sender import Sender
from .state.presence import Presence
from .synchronizer import Synchronizer
from .validation import InvalidUpdateError, find_wrong_parts

JsonObject = dict[str, Any]
Position = Union[tuple[float, float], tuple[float, float, float]]
_FIELD = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FINAL = ("applied", "conflict", "refused")


def _ignore(_: Any) -> None:
    """The default of callbacks."""


class FieldClient:
    """Keeps a copy of a field, and sends own edits, also those of earlier processes.

    Edits are stored before a method returns, and shown in `state` at once. They are sent when the server can be
    reached. A client has its outbox open, and locked, from its creation until `close`.

    >>> with FieldClient("http://127.0.0.1:3000", "global", Path("data")) as client:
    ...     entry = client.put_particle("star", position=(1, 2), content="from Python")
    ...     client.wait_until_settled([entry], timeout=10)
    ...     print(entry.status, client.state["version"])
    """

    def __init__(
        self,
        url: str,
        field: str,
        folder: Path,
        *,
        token: str | None = None,
        on_message: Callable[[JsonObject], None] = _ignore,
        on_status: Callable[[str], None] = _ignore,
        on_problem: Callable[[Exception], None] = _ignore,
        max_pause: float = 30.0,
        wall: Callable[[], int] = wall_clock,
        create_api: Callable[[str], Api] = Api,
    ) -> None:
        """
        :param url: of the API
        :param folder: for the token and the outboxes. Only one process at a time may use an outbox
        :param token: of the app, which names a device; without one, the client registers itself as a device
        :param on_message: called with each message of the stream, after it was applied
        :param on_status: called with `live`, `offline` or `refused`
        :param on_problem: called with what went wrong and is being retried. Callbacks are called by other threads
        :param max_pause: the longest pause between two attempts, in seconds
        :param wall: the device's clock, in ms
        :param create_api: to send requests in another way
        :raises FolderInUseError: if another process has the outbox open
        """
        if not _FIELD.fullmatch(field):
            raise ValueError(f"{field!r} is not the id of a field")
        self._api = create_api(url)
        clock = HybridClock(wall)
        path = outbox_path(folder, url, field, token)
        self._identity = Identity(self._api, path.with_name("identity.json"), clock.now, token)
        store = OutboxStore(Journal(path))
        store.load()
        self._on_message = on_message
        self._on_status = on_status
        self._synchronizer = Synchronizer(field, store, clock)
        handlers = StreamHandlers(
            cursor=self._find_cursor,
            on_message=self._handle_message,
            on_status=self._handle_status,
            on_problem=on_problem,
        )
        self._stream = EventStream(self._api, f"/api/fields/{field}", self._identity, handlers, max_pause)
        self._sender = Sender(
            self._api, f"/api/fields/{field}", self._identity, self._synchronizer, on_problem, max_pause
        )
        #: Who is present, while the status is `live`.
        self.presence = Presence()
        #: `live`, `offline`, `refused`, or `closed` before `start` and after `close`.
        self.status = "closed"

    def __enter__(self) -> FieldClient:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def start(self) -> None:
        """Connects."""
        self.status = "offline"
        self._stream.start()
        self._sender.start()

    def close(self) -> None:
        """Disconnects. The next client with this folder sends what was not sent. A client cannot be started again."""
        self._stream.stop()
        self._sender.stop()
        self._synchronizer.close()
        self.status = "closed"

    @property
    def device(self) -> str | None:
        """The id of this device; None until it has registered."""
        return self._identity.device

    @property
    def state(self) -> JsonObject:
        """The server's state with own pending edits on top. Not to be changed."""
        return self._synchronizer.view(self._identity.device)

    @property
    def server_state(self) -> JsonObject:
        """The server's state alone."""
        return self._synchronizer.replica.state

    @property
    def outbox(self) -> list[Entry]:
        """The own edits that are pending, refused, or not in the server's state yet."""
        return self._synchronizer.entries

    @property
    def pending(self) -> int:
        """How many own edits the server has not applied yet."""
        return sum(entry.status in ("queued", "accepted") for entry in self.outbox)

    def put_particle(
        self,
        particle_id: str,
        *,
        position: Position | None = None,
        velocity: Position | None = None,
        resonance: float | None = None,
        content: str | None = None,
        connections: Sequence[str] | None = None,
    ) -> Entry:
        """Creates a particle, or changes the attributes that are given. Raises InvalidUpdateError."""
        attributes = {
            "position": _vector(position),
            "velocity": _vector(velocity),
            "resonance": resonance,
            "content": content,
            "connections": None if connections is None else list(connections),
        }
        given = {name: value for name, value in attributes.items() if value is not None}
        return self.add({"kind": "particle.put", "id": particle_id, **given})

    def remove_particle(self, particle_id: str) -> Entry:
        """Removes a particle, if there is one of this id."""
        return self.add({"kind": "particle.remove", "id": particle_id})

    def set_cells(self, cells: Mapping[tuple[int, int], float]) -> Entry:
        """Sets the values of cells, by their coordinates."""
        return self.add({"kind": "cells.set", "cells": [{"x": x, "y": y, "value": v} for (x, y), v in cells.items()]})

    def emit(self, event: str, intensity: float | None = None) -> Entry:
        """Sends an event."""
        return self.add({"kind": "event", "type": event, **({} if intensity is None else {"intensity": intensity})})

    def add(self, content: JsonObject) -> Entry:
        """Adds an update of the protocol, without its counter, timestamp and `seen`. Raises InvalidUpdateError."""
        wrong = find_wrong_parts({**content, "counter": 1, "timestamp": 0})
        if wrong:
            raise InvalidUpdateError(wrong)
        return self._synchronizer.add(content)

    def discard(self, entry: Entry) -> None:
        """Removes a refused edit from the outbox. Does nothing to others."""
        self._synchronizer.discard(entry)

    def wait_until_settled(self, entries: Sequence[Entry], timeout: float | None = None) -> bool:
        """Waits until edits are `applied`, in `conflict` or `refused`. Returns False if the time runs out."""
        return self.wait_until(lambda: all(entry.status in _FINAL for entry in entries), timeout)

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Waits until a condition holds, which is evaluated whenever something has changed."""
        return self._synchronizer.wait_for(condition, timeout)

    def _find_cursor(self) -> str | None:
        replica = self._synchronizer.replica
        return replica.cursor if replica.is_loaded else None

    def _handle_message(self, message: JsonObject) -> str:
        if message["type"] == "presence":
            self.presence.apply(message)
        effect = self._synchronizer.handle_message(message, self._identity.device)
        self._on_message(message)
        return effect

    def _handle_status(self, status: str) -> None:
        self.status = status
        if status != "live":
            self.presence.clear()
        self._synchronizer.set_live(status == "live")
        self._on_status(status)


def outbox_path(folder: Path, url: str, field: str, token: str | None) -> Path:
    """The file of an outbox, which has the stored token beside it.

    Each device of an app has an outbox of its own, so that no account sends the edits of another.
    """
    device = read_claims(token).get("device")
    owner = "" if device is None else f".{quote(str(device), safe='')}"
    return folder / quote(urlsplit(url).netloc, safe="") / f"{field}{owner}.outbox"


def _vector(position: Position | None) -> dict[str, float] | None:
    return None if position is None else dict(zip("xyz", position))
