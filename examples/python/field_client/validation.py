"""Validates updates where they are made, by the rules of the server."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Callable

from .history import is_cursor
from .merge.numbers import code_units

MAX_UPDATES = 500
MAX_CELLS = 900
MAX_CONNECTIONS = 64
MAX_CLOCK_ENTRIES = 64
EVENT_TYPES = (
    "resonance",
    "crystallization",
    "entanglement",
    "portal",
    "memory",
    "harmony",
    "void",
    "awakening",
    "bloom",
)
_DEVICE = re.compile(r"[A-Za-z0-9._:-]{1,64}")

#: A path to what is wrong, below the value that was checked; "" is the value itself.
Paths = Iterator[str]
Check = Callable[[Any], Paths]


class InvalidUpdateError(ValueError):
    """An update that the server would refuse. `paths` say where it is wrong."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(f"The update is not valid at {', '.join(path or '/' for path in paths)}")
        self.paths = paths


def find_wrong_paths(body: Any, grid_size: int | None = None) -> list[str]:
    """The paths in the body of a request with updates that the server would refuse, each once.

    :param grid_size: of the server; None if it is not known
    """
    if not isinstance(body, dict) or set(body) - {"updates"}:
        return ["/"]
    updates = body.get("updates")
    if not isinstance(updates, list) or not 1 <= len(updates) <= MAX_UPDATES:
        return ["/updates"]
    paths: list[str] = []
    last = 0
    for at, update in enumerate(updates):
        wrong = find_wrong_parts(update, grid_size)
        if not wrong:
            wrong = [] if update["counter"] > last else ["/counter"]
            last = update["counter"]
        paths.extend(f"/updates/{at}{path}" for path in wrong)
    return paths


def find_wrong_parts(update: Any, grid_size: int | None = None) -> list[str]:
    """The same for one update, with paths in it."""
    if not isinstance(update, dict):
        return [""]
    kind = update.get("kind")
    checks = _checks_of(kind, grid_size) if isinstance(kind, str) else None
    return ["/kind"] if checks is None else list(dict.fromkeys(_check_object(checks)(update)))


def _checks_of(kind: str, grid_size: int | None) -> dict[str, Check] | None:
    """The keys of an update of this kind. A `?` marks those that may be missing."""
    if kind == "particle.put":
        own: dict[str, Check] = {
            "id": _particle_id,
            "position?": _vector,
            "velocity?": _vector,
            "resonance?": _unit,
            "content?": _text(0, 2000),
            "connections?": _list_of(_particle_id, 0, MAX_CONNECTIONS),
        }
    elif kind == "particle.remove":
        own = {"id": _particle_id}
    elif kind == "cells.set":
        own = {"cells": _cells(grid_size)}
    elif kind == "event":
        own = {"type": _require(lambda value: value in EVENT_TYPES), "intensity?": _unit}
    else:
        return None
    origin: dict[str, Check] = {
        "kind": _anything,
        "counter": _integer(1),
        "timestamp": _integer(0),
        "seen?": _require(lambda value: is_cursor(value) or _is_integer(value, 0)),
        "clock?": _clock,
    }
    return {**origin, **own}


def _check_object(checks: dict[str, Check]) -> Check:
    def check(value: Any) -> Paths:
        if not isinstance(value, dict):
            yield ""
            return
        if set(value) - {name.rstrip("?") for name in checks}:
            yield ""
        for name, check_value in checks.items():
            key = name.rstrip("?")
            if key in value:
                yield from (f"/{key}{path}" for path in check_value(value[key]))
            elif not name.endswith("?"):
                yield f"/{key}"

    return check


def _list_of(check_item: Check, least: int, most: int) -> Check:
    def check(value: Any) -> Paths:
        if not isinstance(value, list) or not least <= len(value) <= most:
            yield ""
            return
        for at, item in enumerate(value):
            yield from (f"/{at}{path}" for path in check_item(item))

    return check


def _cells(grid_size: int | None) -> Check:
    coordinate = _integer(0, None if grid_size is None else grid_size - 1)
    check_list = _list_of(_check_object({"x": coordinate, "y": coordinate, "value": _unit}), 1, MAX_CELLS)

    def check(value: Any) -> Paths:
        wrong = list(check_list(value))
        yield from wrong
        if not wrong and len({(cell["x"], cell["y"]) for cell in value}) < len(value):
            yield ""

    return check


def _clock(value: Any) -> Paths:
    if not isinstance(value, dict) or len(value) > MAX_CLOCK_ENTRIES:
        yield ""
        return
    for device, counter in value.items():
        if not _DEVICE.fullmatch(device) or device == "__proto__" or not _is_integer(counter, 0):
            yield f"/{device}"


def _require(is_valid: Callable[[Any], bool]) -> Check:
    def check(value: Any) -> Paths:
        if not is_valid(value):
            yield ""

    return check


def _integer(least: int, most: int | None = None) -> Check:
    return _require(lambda value: _is_integer(value, least) and (most is None or value <= most))


def _text(least: int, most: int) -> Check:
    def is_valid(value: Any) -> bool:
        # Lengths count UTF-16 code units. A lone surrogate is not text.
        return (
            isinstance(value, str)
            and least <= len(code_units(value)) // 2 <= most
            and "\0" not in value
            and not any(0xD800 <= ord(character) <= 0xDFFF for character in value)
        )

    return _require(is_valid)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any, least: int) -> bool:
    return _is_number(value) and value == int(value) and least <= value < 2**53


_anything = _require(lambda value: True)
_number = _require(_is_number)
_unit = _require(lambda value: _is_number(value) and 0 <= value <= 1)
_particle_id = _text(1, 128)
_vector = _check_object({"x": _number, "y": _number, "z?": _number})
