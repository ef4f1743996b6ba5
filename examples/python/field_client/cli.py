"""The command line: `python3 -m field_client --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .client import FieldClient, outbox_path
from .clock import wall_clock
from .files import FolderInUseError
from .net.api import Api, ApiError
from .net.identity import Identity
from .net.stream import EventStream, StreamHandlers
from .outbox.entry import Entry
from .outbox.journal import Journal
from .outbox.store import OutboxStore
from .state.replica import APPLIED, Replica
from .validation import InvalidUpdateError

#: Exit codes.
OK, REFUSED, WRONG_USAGE, STORED = 0, 1, 2, 3

_EPILOG = f"""
An edit is stored before it is sent. If the server cannot be reached, the next command sends it.
exit codes: {OK} done, {REFUSED} refused, {WRONG_USAGE} wrong usage, {STORED} stored and not applied yet
environment: FIELD_URL, FIELD_TOKEN, FIELD_FOLDER
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command, and returns its exit code."""
    options = _create_parser().parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        return OK
    except (ApiError, FolderInUseError, InvalidUpdateError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE if isinstance(error, ValueError) else REFUSED


def _create_parser() -> argparse.ArgumentParser:
    environment = os.environ
    parser = argparse.ArgumentParser(
        prog="python3 -m field_client",
        description="Watches and edits a shared live field.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    url = environment.get("FIELD_URL", "http://127.0.0.1:3000")
    parser.add_argument("--url", default=url, help="of the API (default %(default)s)")
    parser.add_argument("--field", default="global", help="the id of the field (default %(default)s)")
    token = environment.get("FIELD_TOKEN")
    parser.add_argument("--token", default=token, help="of a device; without one, it registers itself")
    folder = Path(environment.get("FIELD_FOLDER") or Path.home() / ".field-client")
    help_text = "for the token and the outbox (default %(default)s)"
    parser.add_argument("--folder", type=Path, default=folder, help=help_text)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    watch = commands.add_parser("watch", help="print what changes, as a line of JSON each")
    watch.set_defaults(run=_watch)

    cells = commands.add_parser("set", help="set cells")
    cells.add_argument("cells", metavar="X,Y=VALUE", nargs="+", type=_parse_cell, help="such as 3,4=0.5")
    cells.set_defaults(run=_set)

    put = commands.add_parser("put", help="create a particle, or change attributes of one")
    put.add_argument("id")
    put.add_argument("--position", metavar="X,Y[,Z]", type=_parse_vector)
    put.add_argument("--velocity", metavar="X,Y[,Z]", type=_parse_vector)
    put.add_argument("--resonance", metavar="0..1", type=float)
    put.add_argument("--content", metavar="TEXT")
    put.add_argument("--connect", metavar="ID", action="append", help="may be repeated; replaces all connections")
    put.set_defaults(run=_put)
    for command in (cells, put):
        help_text = "for the result (default %(default)s)"
        command.add_argument("--wait", metavar="SECONDS", type=float, default=10, help=help_text)

    status = commands.add_parser("status", help="show the device, its unsent edits, and the field")
    status.set_defaults(run=_status)
    return parser


def _watch(options: argparse.Namespace) -> int:
    """Reads only, so that the outbox stays free for other commands."""
    replica = Replica(options.field)
    api, identity = _open_identity(options)
    done = threading.Event()

    def handle(message: dict[str, Any]) -> str:
        effect = replica.apply(message)
        if effect == APPLIED or message["type"] == "error":
            _print_json({"cursor": replica.cursor, **_summarize(message)})
        return effect

    handlers = StreamHandlers(
        cursor=lambda: replica.cursor if replica.is_loaded else None,
        on_message=handle,
        on_status=lambda status: _print_json({"status": status}),
        on_problem=lambda error: print(error, file=sys.stderr),
    )
    stream = EventStream(api, f"/api/fields/{options.field}", identity, handlers, max_pause=30)
    stream.start()
    try:
        done.wait()
    finally:
        stream.stop()
    return OK


def _set(options: argparse.Namespace) -> int:
    with _open_client(options) as client:
        return _finish(client, client.set_cells(dict(options.cells)), options.wait)


def _put(options: argparse.Namespace) -> int:
    with _open_client(options) as client:
        entry = client.put_particle(
            options.id,
            position=options.position,
            velocity=options.velocity,
            resonance=options.resonance,
            content=options.content,
            connections=options.connect,
        )
        return _finish(client, entry, options.wait)


def _status(options: argparse.Namespace) -> int:
    api, identity = _open_identity(options)
    store = OutboxStore(Journal(outbox_path(options.folder, options.url, options.field, options.token)))
    store.load_read_only()
    entries = store.select(lambda entry: not entry.is_settled)
    try:
        path = f"/api/fields/{options.field}?view=summary"
        server: dict[str, Any] = api.request(path, token=identity.token()).body
    except ApiError as error:
        server = {"problem": error.code, "detail": str(error)}
    _print_json({"device": identity.device, "outbox": [_describe(entry) for entry in entries], "server": server})
    return OK


def _finish(client: FieldClient, entry: Entry, seconds: float) -> int:
    """Waits for the result of the edit, and of those that earlier commands have left."""
    client.wait_until_settled([each for each in client.outbox if each.status != "refused"] + [entry], seconds)
    _print_json(_describe(entry))
    if entry.status == "refused":
        client.discard(entry)
        return REFUSED
    return OK if entry.is_settled else STORED


def _open_client(options: argparse.Namespace) -> FieldClient:
    def report(error: Exception) -> None:
        print(error, file=sys.stderr)

    return FieldClient(options.url, options.field, options.folder, token=options.token, on_problem=report)


def _open_identity(options: argparse.Namespace) -> tuple[Api, Identity]:
    api = Api(options.url)
    path = outbox_path(options.folder, options.url, options.field, options.token).with_name("identity.json")
    return api, Identity(api, path, wall_clock, options.token)


def _describe(entry: Entry) -> dict[str, Any]:
    known = {"outcome": entry.outcome, "resolution": entry.resolution, "version": entry.version, "reason": entry.reason}
    kept = {name: value for name, value in known.items() if value}
    return {"counter": entry.counter, "status": entry.status, "kind": entry.update["kind"], **kept}


def _summarize(message: dict[str, Any]) -> dict[str, Any]:
    if message["type"] == "snapshot":
        state = message["state"]
        counts = {"particles": len(state["memoryParticles"]), "cells": len(state["cells"])}
        return {"snapshot": message["reason"], **counts}
    if message["type"] == "delta":
        changes = message["changes"]
        return {"particles": changes["particles"], "cells": changes["cells"], "conflicts": message.get("conflicts", [])}
    return {"error": message.get("problem")}


def _parse_cell(text: str) -> tuple[tuple[int, int], float]:
    place, _, value = text.partition("=")
    x, _, y = place.partition(",")
    return (int(x), int(y)), float(value)


def _parse_vector(text: str) -> tuple[float, ...]:
    numbers: list[float] = [float(part) for part in text.split(",")]
    if len(numbers) not in (2, 3):
        raise ValueError(text)
    return tuple(numbers)


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)
