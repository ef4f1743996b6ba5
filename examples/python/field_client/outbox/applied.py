"""Own updates that were applied: shown until the state is known to contain them, and kept in case they are lost.

A version alone does not tell whether a state contains an update, since a failover may have lost that version and given
it to another update. The evidence is a delta that names the update, or that the log has the cursor of its result.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..history import version_of
from .entry import Entry
from .store import OutboxStore

JsonObject = dict[str, Any]
#: Applied updates are kept for so many ms of connected time, and so many of them.
_KEEP_MS = 10 * 60_000
_MAX_KEPT = 1000
_SAVE_CONNECTED_MS = 60_000


class AppliedUpdates:
    """The settled part of an outbox."""

    def __init__(self, store: OutboxStore) -> None:
        self._store = store
        self._saved_connected = store.connected

    @property
    def kept(self) -> list[Entry]:
        """The updates that would be sent again if the server lost them, the oldest first."""
        return sorted(self._store.select(lambda entry: entry.kept_at is not None), key=lambda entry: entry.kept_at or 0)

    def add(self, entry: Entry, result: JsonObject, device: str | None) -> None:
        """Takes over an update with its result, which was sent as this device."""
        entry.outcome, entry.resolution = result["outcome"], result.get("resolution")
        entry.version, entry.cursor, entry.device = result["version"], result["cursor"], device
        entry.kept_at = self._store.connected
        # What was applied long ago is not expected in the state. A restore of an older backup may still lose it.
        entry.is_shown = entry.outcome != "expired"
        self._store.put(entry)
        self._drop_old()

    def find_unproven(self, max_version: int | None = None) -> list[str]:
        """Cursors of updates, up to a version, that the state is not known to contain."""
        shown = self._select_shown(max_version)
        return list(dict.fromkeys(entry.cursor for entry in shown if entry.cursor))

    def confirm(self, state: str, cursors: Iterable[str] | None = None) -> None:
        """The state with a cursor contains the updates up to its version, or those of them with these cursors."""
        wanted = None if cursors is None else set(cursors)
        shown = self._select_shown(version_of(state))
        self._hide([entry for entry in shown if wanted is None or entry.cursor in wanted], state)

    def follow_delta(self, start: str, end: str, results: Iterable[JsonObject]) -> bool:
        """Follows a delta that has advanced the state. It names every update in between, so that others are lost.

        :returns: whether updates are lost, and due again
        """
        named = {(result["counter"], result["version"]) for result in results}
        shown = self._select_shown(version_of(end))
        contained = [entry for entry in shown if (entry.counter, entry.version) in named]
        self._hide(contained, end)
        lost = [entry for entry in shown if entry not in contained and entry.version > version_of(start)]
        return self._resend(lost) > 0

    def resend_all(self, device: str | None) -> int:
        """Makes every update due again that was sent as this device, and forgets the others.

        :returns: how many
        """
        settled = self._store.select(lambda entry: entry.is_settled)
        self._store.remove([entry for entry in settled if entry.device != device])
        return self._resend([entry for entry in settled if entry.device == device])

    def add_connected(self, milliseconds: int) -> None:
        """Counts time with an open stream. While there is none, the client cannot learn that something was lost."""
        self._store.connected += milliseconds
        self._drop_old()
        if self._store.connected - self._saved_connected >= _SAVE_CONNECTED_MS and self.kept:
            self._saved_connected = self._store.connected
            self._store.save_head()

    def _select_shown(self, max_version: int | None) -> list[Entry]:
        return self._store.select(
            lambda entry: entry.is_shown and (max_version is None or entry.version <= max_version)
        )

    def _resend(self, entries: list[Entry]) -> int:
        for entry in entries:
            entry.unsettle()
        self._store.put(*entries)
        return len(entries)

    def _hide(self, entries: list[Entry], state: str) -> None:
        for entry in entries:
            entry.is_shown = False
        self._store.mark_contained([entry for entry in entries if entry.kept_at is not None], state)
        self._forget(entries)

    def _drop_old(self) -> None:
        kept = self.kept
        too_many = len(kept) - _MAX_KEPT
        oldest = self._store.connected - _KEEP_MS
        dropped = [entry for at, entry in enumerate(kept) if at < too_many or (entry.kept_at or 0) <= oldest]
        for entry in dropped:
            entry.kept_at = None
        self._forget(dropped)

    def _forget(self, entries: list[Entry]) -> None:
        self._store.remove([entry for entry in entries if entry.kept_at is None and not entry.is_shown])
