"""The server's state as this client last received it: snapshots replace it, deltas advance it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from ..history import EMPTY_CURSOR, version_of
from ..merge.state import primary_field

JsonObject = dict[str, Any]
#: How many cursors that the state has passed are remembered.
_MAX_PASSED = 100
#: What a message has done. `APPLIED`: the state has changed. `IGNORED`: it has not. `GAP`: messages before this one are
#: missing.
APPLIED, IGNORED, GAP = "applied", "ignored", "gap"


class Replica:
    """The copy of one field. `state` is never changed in place, so that callers may keep it."""

    def __init__(self, field: str) -> None:
        self.state: JsonObject = {
            "field": field,
            "version": 0,
            "cursor": EMPTY_CURSOR,
            "maxTimestamp": 0,
            "globalResonance": 0.5,
            "collectiveIntelligence": 0.3,
            "room64Active": False,
            "lastUpdate": 0,
            "quantumFields": [primary_field()],
            "memoryParticles": [],
            "cells": {},
        }
        #: Whether the server has sent a state.
        self.is_loaded = False
        self._passed: deque[str] = deque(maxlen=_MAX_PASSED)

    @property
    def cursor(self) -> str:
        """Names the state and its past."""
        return self.state["cursor"]

    @property
    def version(self) -> int:
        """How many updates the state contains."""
        return version_of(self.cursor)

    def has_passed(self, cursor: str) -> bool:
        """Whether the state continues the one with this cursor; False if that is too long ago to tell."""
        return cursor in self._passed

    def apply(self, message: Mapping[str, Any]) -> str:
        """Applies a message of the stream. Messages of a kind that is not known are ignored."""
        if message["type"] == "snapshot":
            self.state = dict(message["state"])
            self.is_loaded = True
            self._passed.clear()
        elif message["type"] != "delta":
            return IGNORED
        elif message["from"] != self.cursor:
            # A late delta, or one of another history, leads to this version or a lower one.
            return IGNORED if version_of(message["to"]) <= self.version else GAP
        else:
            self._advance(message)
        self._passed.append(self.cursor)
        return APPLIED

    def _advance(self, delta: Mapping[str, Any]) -> None:
        changes = delta["changes"]
        particles = {particle["id"]: particle for particle in self.state["memoryParticles"]}
        self.state = {
            **self.state,
            **changes.get("metrics", {}),
            "version": version_of(delta["to"]),
            "cursor": delta["to"],
            "maxTimestamp": delta["maxTimestamp"],
            "quantumFields": changes.get("quantumFields", self.state["quantumFields"]),
            "memoryParticles": list(_change(particles, changes["particles"]).values()),
            "cells": _change(self.state["cells"], changes["cells"]),
        }


def _change(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Replaces what has changed; None stands for what was removed, evicted or erased."""
    changed = {**values, **changes}
    return {key: value for key, value in changed.items() if value is not None}
