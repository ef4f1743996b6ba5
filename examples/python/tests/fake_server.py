"""A small server of one field, which fails when a test wants it to. It applies cells only, and has no merge rules."""

from __future__ import annotations

import base64
import hashlib
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from field_client.history import EMPTY_CURSOR, version_of
from field_client.state.replica import Replica

JsonObject = dict[str, Any]


class Failure(NamedTuple):
    """What is sent instead of an answer. Without a status, the request is carried out and the connection closed."""

    status: int = 0
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class LogEntry(NamedTuple):
    device: str
    update: JsonObject
    digest: str


class FakeServer:
    """Serves in threads of this process, on a port that stays the same while it is stopped and started."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.log: list[LogEntry] = []
        #: The counters of each request with updates.
        self.requests: list[list[int]] = []
        #: The cursors that the log was asked for.
        self.checks: list[str] = []
        #: Whether requests with updates are answered before they are applied.
        self.is_slow = False
        #: How far above the last counter of a device its next one may be.
        self.max_gap = 1_000_000
        self.tokens: list[str] = []
        self._history = "one"
        self._devices = 0
        self._failures: list[tuple[str, Failure]] = []
        self._streams: list[queue.Queue[JsonObject | None]] = []
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", self._port), _create_handler(self))
        server.daemon_threads = True
        self._server, self._port = server, server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Closes the port and every stream."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self.close_streams()

    def close_streams(self) -> None:
        with self.lock:
            for stream in self._streams:
                stream.put(None)
            self._streams.clear()

    def fail(self, path: str, failure: Failure, times: int = 1) -> None:
        """Fails the next requests whose path ends so."""
        with self.lock:
            self._failures += [(path, failure)] * times

    def take_failure(self, path: str) -> Failure | None:
        with self.lock:
            for at, (end, failure) in enumerate(self._failures):
                if path.endswith(end):
                    del self._failures[at]
                    return failure
            return None

    def lose_tail(self, versions: int) -> None:
        """A failover: the last versions are gone, and later ones have other hashes."""
        with self.lock:
            del self.log[len(self.log) - versions :]
            self._history += "'"
        self.close_streams()

    def register(self) -> JsonObject:
        with self.lock:
            self._devices += 1
            return self.issue(f"device-{self._devices}")

    def issue(self, device: str) -> JsonObject:
        with self.lock:
            claims = {"device": device, "exp": 4_000_000_000, "number": len(self.tokens)}
            payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
            self.tokens.append(f"e30.{payload}.x")
            return {"deviceId": device, "token": self.tokens[-1], "expiresAt": claims["exp"] * 1000}

    def cursor(self, version: int) -> str:
        return f"{version}.{self.log[version - 1].digest[:16]}" if version else EMPTY_CURSOR

    def has_cursor(self, cursor: str) -> bool:
        version = version_of(cursor)
        return version <= len(self.log) and cursor == self.cursor(version)

    def state(self) -> JsonObject:
        cells: dict[str, float] = {}
        for entry in self.log:
            cells.update(_cells_of(entry.update))
        version = len(self.log)
        return {**Replica("f").state, "version": version, "cursor": self.cursor(version), "cells": cells}

    def follow(self, cursor: str | None) -> queue.Queue[JsonObject | None]:
        """A stream, which begins with a snapshot unless the cursor is the newest one."""
        with self.lock:
            stream: queue.Queue[JsonObject | None] = queue.Queue()
            newest = self.cursor(len(self.log))
            if cursor != newest:
                known = "gap" if cursor and self.has_cursor(cursor) else "unknown-cursor"
                reason = known if cursor else "start"
                stream.put({"type": "snapshot", "cursor": newest, "reason": reason, "state": self.state()})
            self._streams.append(stream)
            return stream

    def send(self, message: JsonObject) -> None:
        """Sends a message to every stream."""
        with self.lock:
            for stream in self._streams:
                stream.put(message)

    def apply(self, device: str, updates: list[JsonObject]) -> JsonObject:
        with self.lock:
            results = [self._apply(device, update) for update in updates]
            version = len(self.log)
            return {"version": version, "cursor": self.cursor(version), "results": results, "serverTime": 0}

    def find(self, device: str, counter: int) -> int:
        """The version of an update; 0 if it was not applied."""
        for version, entry in enumerate(self.log, 1):
            if (entry.device, entry.update["counter"]) == (device, counter):
                return version
        return 0

    def last_counter(self, device: str) -> int:
        return max((entry.update["counter"] for entry in self.log if entry.device == device), default=0)

    def find_gap(self, device: str, updates: list[JsonObject]) -> JsonObject | None:
        """The problem of a request with a counter that is too high."""
        with self.lock:
            highest = self.last_counter(device) + self.max_gap
            for at, update in enumerate(updates):
                if update["counter"] > highest:
                    errors = [{"path": f"/updates/{at}/counter", "message": "is too far above the last"}]
                    return {"code": "counter_too_far", "title": "Too far", "errors": errors}
            return None

    def _apply(self, device: str, update: JsonObject) -> JsonObject:
        counter = update["counter"]
        version = self.find(device, counter)
        if version:
            is_same = self.log[version - 1].update["cells"] == update["cells"]
            outcome = "duplicate" if is_same else "reused"
            return {"counter": counter, "outcome": outcome, "version": version, "cursor": self.cursor(version)}
        before = len(self.log)
        content = json.dumps([self.cursor(before), self._history, device, update])
        self.log.append(LogEntry(device, update, hashlib.sha256(content.encode()).hexdigest()))
        result = {"counter": counter, "outcome": "applied", "version": before + 1}
        metrics = {name: self.state()[name] for name in ("globalResonance", "collectiveIntelligence", "lastUpdate")}
        changes = {"particles": {}, "cells": _cells_of(update), "metrics": {**metrics, "room64Active": False}}
        self.send(
            {
                "type": "delta",
                "from": self.cursor(before),
                "to": self.cursor(before + 1),
                "maxTimestamp": update["timestamp"],
                "changes": changes,
                "updates": [{"device": device, **result}],
            }
        )
        return {**result, "cursor": self.cursor(before + 1)}


def _cells_of(update: JsonObject) -> dict[str, float]:
    return {f"{cell['x']},{cell['y']}": cell["value"] for cell in update["cells"]}


def _create_handler(fake: FakeServer) -> Any:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._handle(None)

        def do_POST(self) -> None:
            self._handle(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def log_message(self, *_: Any) -> None:
            pass

        def _handle(self, body: Any) -> None:
            path = urlsplit(self.path).path
            failure = fake.take_failure(path)
            if failure and failure.status:
                self._answer(failure.status, failure.body, failure.headers)
                return
            answer = self._route(path, body)
            if failure:
                self.close_connection = True
            elif answer:
                status, content = answer
                self._answer(status, json.dumps(content).encode())

        def _route(self, path: str, body: Any) -> tuple[int, JsonObject] | None:
            token = (self.headers.get("authorization") or "").partition(" ")[2]
            device = _device_of(token)
            if path == "/api/devices":
                return 201, fake.register()
            if token not in fake.tokens:
                return 401, {"code": "unauthorized", "title": "no"}
            if path == "/api/devices/renew":
                return 200, fake.issue(device)
            name = path.rpartition("/")[2]
            query = parse_qs(urlsplit(self.path).query)
            if body is not None:
                return self._post(device, body["updates"])
            if name == "events":
                self._stream(fake.follow(self.headers.get("last-event-id")))
                return None
            if name == "clock":
                last = fake.last_counter(device)
                return 200, {"clock": {device: last} if last else {}}
            if name == "updates":
                return self._read_log(query["after"][0])
            return self._read_receipt(*path.split("/")[-2:])

        def _post(self, device: str, updates: list[JsonObject]) -> tuple[int, JsonObject]:
            fake.requests.append([update["counter"] for update in updates])
            problem = fake.find_gap(device, updates)
            if problem:
                return 400, problem
            answer = fake.apply(device, updates)
            if fake.is_slow:
                return 202, {"serverTime": 0}
            return 200, answer

        def _read_log(self, after: str) -> tuple[int, JsonObject]:
            fake.checks.append(after)
            if "." in after and not fake.has_cursor(after):
                return 410, {"code": "cursor_unknown", "title": "no"}
            following = fake.log[int(after.partition(".")[0]) :][:1]
            return 200, {"updates": [{"update": entry.update} for entry in following]}

        def _read_receipt(self, device: str, counter: str) -> tuple[int, JsonObject]:
            version = fake.find(device, int(counter))
            if not version:
                return 200, {"counter": int(counter), "status": "unknown"}
            applied = {"status": "applied", "outcome": "applied", "version": version, "cursor": fake.cursor(version)}
            return 200, {"counter": int(counter), **applied}

        def _stream(self, messages: queue.Queue[JsonObject | None]) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream; charset=utf-8")
            self.send_header("connection", "close")
            self.end_headers()
            try:
                for message in iter(messages.get, None):
                    self.wfile.write(f"event: {message['type']}\ndata: {json.dumps(message)}\n\n".encode())
            except OSError:
                pass  # The client has gone.

        def _answer(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
            self.send_response(status)
            for name, value in (("content-type", "application/json"), *headers):
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _device_of(token: str) -> str:
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    return json.loads(base64.urlsafe_b64decode(payload + "==")).get("device", "") if payload else ""
