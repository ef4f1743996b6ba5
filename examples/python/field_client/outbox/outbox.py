"""The device's own updates: gives them counters and timestamps, and follows what becomes of them.

Counters rise and are never given twice, unless the server refuses them as too far above the last one that it knows. An
update is stored under a counter before it is sent under it, and so is the fact that it may have been sent.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, Callable

from ..clock import HybridClock
from . import states
from .applied import AppliedUpdates
from .entry import Entry
from .store import OutboxStore

JsonObject = dict[str, Any]
#: Above what a device can have waiting at the server, and below the gap that the server refuses. Random, so that a
#: device that is restored twice from one backup does not use counters twice.
_MIN_GAP = 10_000
_MAX_GAP = 400_000


class Outbox:
    """Not thread-safe: the client locks it."""

    def __init__(self, store: OutboxStore, clock: HybridClock, pick: Callable[[], float] = random.random) -> None:
        self._store = store
        self._clock = clock
        self._pick = pick
        #: The highest counter that this process, or an earlier one, may have sent.
        self._highest_sent = store.counter
        self._highest_counter = store.counter
        #: Counters above the highest one that are in use: of updates that kept theirs when others got lower ones.
        self._reserved = {entry.counter for entry in store.entries.values() if entry.counter > store.counter}
        self._last_timestamp = store.timestamp
        clock.observe(store.timestamp)
        self.applied = AppliedUpdates(store)

    @property
    def entries(self) -> list[Entry]:
        """What the app sees: all but the applied updates that the state contains."""
        return self._select(lambda entry: entry.is_listed)

    @property
    def pending(self) -> list[Entry]:
        """The updates that the server has not applied or refused."""
        return self._select(lambda entry: states.is_pending(entry.state))

    @property
    def uncontained(self) -> list[JsonObject]:
        """The own updates that the server's state is not known to contain."""
        return [entry.update for entry in self.entries if entry.state != "refused"]

    @property
    def has_due(self) -> bool:
        """Whether there is something to send."""
        return any(states.is_due(entry.state) for entry in self._store.entries.values())

    def add(self, content: JsonObject, seen: str) -> Entry:
        """Stores a new update.

        :param seen: the cursor of the state that the change was made on
        """
        counter = next(self._counters_above(self._highest_counter))
        origin = {"counter": counter, "timestamp": self._clock.next(), "seen": seen}
        entry = Entry(
            place=self._store.place + 1,
            update={**content, **origin},
            state="queued",
            created_at=self._clock.wall_time(),
            above=self._clock.highest,
        )
        self._store.put(entry)
        self._highest_counter = counter
        return entry

    def next_batch(self, max_count: int, max_bytes: int) -> list[JsonObject]:
        """The first due updates; more than one only if they are not too long together."""
        batch: list[Entry] = []
        size = 0
        for entry in self._select(lambda entry: states.is_due(entry.state)):
            self._stamp(entry)
            size += len(json.dumps(entry.update)) + 1
            if len(batch) == max_count or (batch and size > max_bytes):
                break
            batch.append(entry)
        if batch:
            self._store.mark_sent(batch)
        for entry in batch:
            entry.transition("sent")
            self._highest_sent = max(self._highest_sent, entry.counter)
        return [entry.update for entry in batch]

    def mark_accepted(self, counters: Iterable[int]) -> None:
        """The server will not lose these; their results are not known yet."""
        for entry in self._find(counters):
            entry.transition("acknowledged")

    def resend_accepted(self, counters: Iterable[int] | None = None) -> None:
        """Makes accepted updates due again: their results may have been missed, and the response repeats them."""
        for entry in self.pending if counters is None else self._find(counters):
            entry.transition("resultMissed")

    def settle(self, results: Iterable[JsonObject], device: str | None) -> bool:
        """Records results.

        Where a counter was used for another update, this one gets a new counter, and so do later ones that were not
        sent.

        :param results: each with a cursor of a log that contains the update
        :returns: whether counters were used twice, so that the server's highest counter has to be read again
        """
        by_counter = {result["counter"]: result for result in results}
        settled = [(entry, by_counter[entry.counter]) for entry in self._find(by_counter)]
        foreign = [entry for entry, result in settled if _is_foreign(entry, result["outcome"])]
        if foreign:
            queued = [entry for entry in self.pending if entry.state == "queued"]
            self._renumber(sorted(foreign + queued, key=lambda entry: entry.counter), self._highest_counter)
        for entry, result in settled:
            if entry not in foreign and entry.transition("settledByResponse"):
                self.applied.add(entry, result, device)
        return bool(foreign)

    def refuse(self, counter: int, reason: str) -> None:
        """Sets an update aside that the server can never apply."""
        for entry in self._find([counter]):
            if entry.transition("rejected"):
                entry.reason = reason
                self._store.put(entry)

    def discard(self, entry: Entry) -> None:
        """Forgets a refused update."""
        if entry.state == "refused":
            self._store.remove([entry])

    def skip_to(self, counter: int) -> bool:
        """Takes note of the highest counter that the server knows of this device.

        If it is above all that was sent from here, the storage is older than the device: new counters start far above
        it, since the server may have accepted more than it has applied. Updates that may have been sent keep theirs.
        """
        if counter <= self._highest_sent:
            return False
        gap = _MIN_GAP + int(self._pick() * (_MAX_GAP - _MIN_GAP))
        above = max(self._highest_counter, counter) + gap
        self._renumber([entry for entry in self.pending if entry.state == "queued"], above)
        return True

    def mark_unsent(self, counters: Iterable[int]) -> None:
        """The server has refused a request with these as a whole, so that those in no other request were not sent."""
        for entry in self._find(counters):
            if entry.state == "sent":
                entry.transition("renumbered")

    def lower_counters(self, first: int, last: int, unapplied: Iterable[int]) -> None:
        """Numbers updates from the server's last counter on. It refuses those from `first` on as too far above it.

        Nothing changes if the new counters would not be lower. Updates that the server may have applied keep theirs.

        :param unapplied: the counters of those that may have been sent, and were not applied
        """
        known = set(unapplied)
        moved = [
            entry
            for entry in self.pending
            if entry.counter >= first and (entry.state == "queued" or entry.counter in known)
        ]
        places = {entry.place for entry in moved}
        others = self._select(lambda entry: entry.place not in places)
        waiting = [entry for entry in others if states.is_pending(entry.state)]
        # Updates stay in their order. What is applied or refused need not be in the history that the server counts.
        above = max([last, *(entry.counter for entry in waiting if entry.counter < first)])
        reserved = {entry.counter for entry in others if entry.counter > above}
        if not moved or above + len(moved) + sum(counter < first for counter in reserved) >= first:
            return
        self._reserved = reserved
        sent = max([above, *(entry.counter for entry in waiting if entry.state != "queued")])
        self._renumber(moved, above, sent)
        self._highest_sent = sent

    def _renumber(self, entries: list[Entry], above: int, sent: int | None = None) -> None:
        counters = dict(zip(entries, self._counters_above(above)))
        if counters:
            self._store.renumber(counters, sent)
        for entry in entries:
            entry.transition("renumbered")
        self._highest_counter = max(counters.values(), default=above)

    def _counters_above(self, counter: int) -> Iterator[int]:
        return (free for free in count(counter + 1) if free not in self._reserved)

    def _stamp(self, entry: Entry) -> None:
        """When an update is first sent, its timestamp is corrected by what was learned of the server's clock since."""
        if not entry.is_stamped:
            above = max(entry.above, self._last_timestamp)
            entry.update = {**entry.update, "timestamp": self._clock.restamp(entry.created_at, above)}
            entry.is_stamped = True
            self._last_timestamp = entry.update["timestamp"]

    def _find(self, counters: Iterable[int]) -> list[Entry]:
        wanted = set(counters)
        return [entry for entry in self.pending if entry.counter in wanted]

    def _select(self, matches: Callable[[Entry], bool]) -> list[Entry]:
        return self._store.select(matches)


def _is_foreign(entry: Entry, outcome: str) -> bool:
    """Whether the counter belongs to another update."""
    return outcome == "reused" or (outcome == "expired" and states.is_sent_once(entry.state))
