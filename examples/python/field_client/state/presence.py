"""Who else follows the field. Ephemeral: nothing of it is stored, and it has no version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JsonObject = dict[str, Any]


class Presence:
    """The devices that the server has named: all of them, or of many those that are nearest."""

    def __init__(self) -> None:
        #: How many devices are present.
        self.active_nodes = 0
        self._devices: dict[str, JsonObject] = {}

    @property
    def devices(self) -> list[JsonObject]:
        """Each with `device` and `at`, perhaps with `user`, and `data` that its app has chosen."""
        return list(self._devices.values())

    def apply(self, message: Mapping[str, Any]) -> None:
        """Applies a `presence` message. The first one of a stream replaces everything."""
        known = {} if message.get("complete") else dict(self._devices)
        for device in message.get("gone", []):
            known.pop(device, None)
        known.update((device["device"], device) for device in message["devices"])
        self.active_nodes, self._devices = message["activeNodes"], known

    def clear(self) -> None:
        """Nobody is known any more: there is no stream."""
        self.active_nodes, self._devices = 0, {}
