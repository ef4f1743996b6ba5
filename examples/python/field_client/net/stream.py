"""The event stream of a field: one connection after the other, resumed from the cursor of the last message."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any, Callable

from ..state.replica import GAP
from .api import TIMEOUT, Api, ApiError, to_api_error
from .backoff import Backoff
from .identity import Identity
from .sse import EventParser, split_lines

JsonObject = dict[str, Any]
#: The server sends something every 15 s. A stream that is silent for longer is dead.
SILENCE_SECONDS = 25.0
_CHUNK_BYTES = 65_536


class StreamHandlers:
    """What the stream reports, from its own thread."""

    def __init__(
        self,
        *,
        cursor: Callable[[], str | None],
        on_message: Callable[[JsonObject], str],
        on_status: Callable[[str], None],
        on_problem: Callable[[Exception], None],
    ) -> None:
        """
        :param cursor: where to resume; None to get the whole state
        :param on_message: returns the effect of the message, as `Replica.apply` does
        :param on_status: `live`, `offline`, or `refused` if the server rejects the token
        """
        self.cursor = cursor
        self.on_message = on_message
        self.on_status = on_status
        self.on_problem = on_problem


class EventStream:
    """Follows a field in a thread of its own until `stop`."""

    def __init__(self, api: Api, path: str, identity: Identity, handlers: StreamHandlers, max_pause: float) -> None:
        """
        :param path: of the field
        :param max_pause: the longest pause between two attempts, in seconds
        """
        self._api = api
        self._path = f"{path}/events"
        self._identity = identity
        self._handlers = handlers
        self._stopped = threading.Event()
        self._backoff = Backoff(self._stopped, max_pause)
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="field-stream", daemon=True)

    def start(self) -> None:
        """Opens the stream, again and again if need be."""
        self._thread.start()

    def stop(self) -> None:
        """Closes the stream. Returns when no handler will be called any more."""
        self._stopped.set()
        if self._socket:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # It is closed already.
        self._thread.join(TIMEOUT)

    def _run(self) -> None:
        while not self._stopped.is_set():
            retry_after = 0.0
            try:
                retry_after = self._follow()
            except (ApiError, OSError, http.client.HTTPException) as error:
                if not self._stopped.is_set():
                    retry_after = getattr(error, "retry_after", 0)
                    is_refused = isinstance(error, ApiError) and error.is_about_token
                    self._handlers.on_status("refused" if is_refused else "offline")
                    self._handlers.on_problem(error)
            self._backoff.wait(retry_after)

    def _follow(self) -> float:
        """Returns when the connection has ended: how many seconds the server asks to wait."""
        token = self._identity.token()
        connection = self._api.connect(TIMEOUT)
        cursor = self._handlers.cursor()
        headers = {"accept": "text/event-stream", **({"last-event-id": cursor} if cursor else {})}
        try:
            connection.connect()
            self._socket = connection.sock
            response = self._api.send(connection, self._path, token=token, headers=headers)
            if response.status != 200:
                error = to_api_error(response, response.read())
                if error.is_about_token:
                    self._identity.reject(token)
                raise error
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise ApiError("network", f"{self._api.url} does not answer as the API of a field does")
            self._socket.settimeout(SILENCE_SECONDS)
            self._handlers.on_status("live")
            return self._read(response, token)
        finally:
            self._socket = None
            connection.close()

    def _read(self, response: http.client.HTTPResponse, token: str) -> float:
        parser = EventParser()
        for line in split_lines(_read_chunks(response)):
            if self._stopped.is_set() or self._identity.is_renewal_due:
                return 0
            event = parser.feed(line)
            message = _parse_message(event.data) if event else None
            if message is None:
                continue
            # Progress, not an open connection, ends the growth of pauses.
            self._backoff.reset()
            if message["type"] == "bye":
                return float(message.get("retryAfter", 0))
            if message["type"] == "error":
                self._identity.reject(token)
            if self._deliver(message) == GAP:
                return 0
        return 0

    def _deliver(self, message: JsonObject) -> str:
        """A message of a shape that the protocol does not have ends the connection, and not the client."""
        try:
            return self._handlers.on_message(message)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise ApiError("network", f"A message of the server was not understood: {error!r}") from error


def _read_chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """What has arrived, as soon as it arrives."""
    while True:
        chunk = response.read1(_CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


def _parse_message(text: str) -> JsonObject | None:
    """A message that is not understood is skipped; a delta that is missed that way shows as a gap."""
    try:
        message = json.loads(text)
    except ValueError:
        return None
    return message if isinstance(message, dict) and isinstance(message.get("type"), str) else None
