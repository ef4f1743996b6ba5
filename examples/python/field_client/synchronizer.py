"""Keeps replica and outbox in step with the server: applies messages and results, and decides what is sent again.

Every method may be called by any thread; a lock makes each of them one step.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any, Callable

from .clock import HybridClock
from .outbox.checks import HistoryCheck
from .outbox.entry import Entry
from .outbox.outbox import Outbox
from .outbox.store import OutboxStore
from .state.optimistic import show_pending
from .state.replica import APPLIED, Replica

JsonObject = dict[str, Any]
#: Accepted updates are sent again when no result has arrived for so many seconds.
_RESEND_SECONDS = 10.0


class Synchronizer:
    """The state of a client. It does no I/O but that of its outbox."""

    def __init__(self, field: str, store: OutboxStore, clock: HybridClock) -> None:
        self.clock = clock
        self._store = store
        self._outbox = Outbox(store, clock)
        #: The server's state. Only `handle_message` advances it.
        self.replica = Replica(field)
        self._history = HistoryCheck()
        self._changed = threading.Condition(threading.RLock())
        self._is_counter_known = False
        self._is_live = False
        self._is_closed = False
        self._ticked_at = self._asked_at = time.monotonic()
        #: The state and the pending updates that the last view was computed from, and that view.
        self._viewed: tuple[JsonObject, list[JsonObject], JsonObject] = ({}, [], {})

    @property
    def entries(self) -> list[Entry]:
        """The own updates that are pending, refused, or not part of the state yet."""
        with self._changed:
            return self._outbox.entries

    def view(self, device: str | None) -> JsonObject:
        """The server's state with own updates on top. The same object until something changes."""
        with self._changed:
            server, pending = self.replica.state, self._outbox.uncontained
            if self._viewed[0] is not server or self._viewed[1] != pending:
                self._viewed = (server, pending, show_pending(server, device or "", pending))
            return self._viewed[2]

    def add(self, content: JsonObject) -> Entry:
        """Stores a new update of the app."""
        with self._changed:
            entry = self._outbox.add(content, self.replica.cursor)
            self.notify()
            return entry

    def discard(self, entry: Entry) -> None:
        """Forgets a refused update."""
        with self._changed:
            self._outbox.discard(entry)
            self.notify()

    def notify(self) -> None:
        """Wakes every thread that waits."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing is sent or stored any more."""
        with self._changed:
            self._is_closed = True
            self._store.close()
            self.notify()

    def wait_for(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Waits until a condition of this state holds. Returns False if it does not within the time."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def wait_until_due(self, timeout: float) -> bool:
        """Waits until there is something to send or to ask, or something has changed. Returns whether there is."""
        with self._changed:
            if not self._is_due():
                self._changed.wait(timeout)
            return self._is_due()

    def tick(self) -> None:
        """To be called about once a second."""
        with self._changed:
            now = time.monotonic()
            if self._is_live:
                self._outbox.applied.add_connected(int((now - self._ticked_at) * 1000))
            self._ticked_at = now
            if now - self._asked_at >= _RESEND_SECONDS:
                self._resend_accepted()
                self._history.retry()
                self._check_unproven(None)

    def set_live(self, is_live: bool) -> None:
        """A stream was opened, or has ended. Results may have been missed in between."""
        with self._changed:
            self._is_live = is_live
            if is_live:
                self._resend_accepted()
                self._check_unproven(None)

    def handle_message(self, message: JsonObject, device: str | None) -> str:
        """Applies a message of the stream. Returns its effect."""
        with self._changed:
            before = self.replica.cursor
            effect = self.replica.apply(message)
            if effect == APPLIED:
                self.clock.observe(self.replica.state["maxTimestamp"])
                if message["type"] == "delta":
                    self._follow_delta(message, device)
                else:
                    self._follow_snapshot(message["reason"], before, device)
            self.notify()
            return effect

    def compare_counter(self, read: Callable[[], int]) -> None:
        """Makes sure, once in a process and after counters were used twice, that they continue above the server's."""
        if self._is_counter_known:
            return
        counter = read()
        with self._changed:
            self._outbox.skip_to(counter)
            self._is_counter_known = True

    def former_device(self, device: str) -> tuple[str, list[JsonObject], list[int]] | None:
        """The device whose outbox this still is, its updates that may have been sent, and the accepted counters."""
        with self._changed:
            former = self._store.device
            if former is None:
                self._store.set_device(device)
            if former in (None, device):
                return None
            return former, *self.maybe_sent(0)

    def maybe_sent(self, first: int) -> tuple[list[JsonObject], list[int]]:
        """The updates from a counter on that may have been sent, and the counters of those that were accepted."""
        with self._changed:
            entries = [entry for entry in self._outbox.pending if entry.state != "queued" and entry.counter >= first]
            accepted = [entry.counter for entry in entries if entry.status == "accepted"]
            return [entry.update for entry in entries], accepted

    def adopt_outbox(self, device: str, former: str, results: Iterable[JsonObject]) -> None:
        """Updates are sent as this device from now on. The results are of those that were applied as the former one."""
        with self._changed:
            self._outbox.settle(results, former)
            self._resend_accepted()
            self._is_counter_known = False
            self._store.set_device(device)
            self.notify()

    def cursors_to_check(self) -> list[str]:
        """The cursors that the log should have."""
        with self._changed:
            return self._history.take() if self._history.is_due else []

    def record_check(self, cursors: Iterable[str], lost: str | None) -> None:
        """The log has all of these cursors, or does not have one of them."""
        with self._changed:
            if lost is None:
                self._history.cancel()
                # Otherwise a snapshot has replaced the state meanwhile.
                if any(self.replica.has_passed(cursor) for cursor in cursors):
                    self._outbox.applied.confirm(self.replica.cursor, cursors)
            else:
                self._history.record_loss()
                # If it is the state's own, the server is about to send another state, which says so.
                if lost != self.replica.cursor:
                    self._outbox.applied.resend_all(self._store.device)
            self.notify()

    def next_batch(self, max_count: int, max_bytes: int) -> list[JsonObject]:
        """The updates of the next request, which are stored as sent."""
        with self._changed:
            return [] if self._is_closed else self._outbox.next_batch(max_count, max_bytes)

    def handle_acceptance(self, counters: Iterable[int]) -> None:
        """The server will not lose these. Their results are asked for again."""
        with self._changed:
            self._asked_at = time.monotonic()
            self._outbox.mark_accepted(counters)
            self.notify()

    def handle_results(self, body: JsonObject, device: str | None) -> None:
        """The results of a request."""
        with self._changed:
            self._asked_at = time.monotonic()
            # One query has read all results, so that the newest of their cursors proves each of them.
            newest = max(body["results"], key=lambda result: result["version"])["cursor"]
            if self._outbox.settle([{**result, "cursor": newest} for result in body["results"]], device):
                self._is_counter_known = False
            if self.replica.has_passed(newest) or self.replica.has_passed(body["cursor"]):
                self._outbox.applied.confirm(self.replica.cursor, [newest])
            else:
                self._check_unproven(self.replica.version)
            self.notify()

    def refuse(self, reasons: dict[int, str]) -> None:
        """The server can never apply the updates with these counters."""
        with self._changed:
            for counter, reason in reasons.items():
                self._outbox.refuse(counter, reason)
            self.notify()

    def mark_unsent(self, counters: Iterable[int]) -> None:
        """A request with these was refused because of counters, as a whole."""
        with self._changed:
            self._outbox.mark_unsent(counters)

    def lower_counters(
        self, device: str, first: int, last: int, maybe_sent: list[JsonObject], results: list[JsonObject]
    ) -> None:
        """Numbers updates from the last counter of this device on, except those that have results under theirs.

        :param first: the first counter that the server has refused as too far above the last one
        :param maybe_sent: the updates that the results were asked for
        """
        with self._changed:
            self._outbox.settle(results, device)
            self._outbox.lower_counters(first, last, [update["counter"] for update in maybe_sent])
            self.notify()

    def _is_due(self) -> bool:
        return self._outbox.has_due or self._history.is_due

    def _follow_delta(self, delta: JsonObject, device: str | None) -> None:
        own = [update for update in delta["updates"] if update["device"] == device]
        # A delta has only the counter. The response to a second request tells whether it is the same update.
        self._outbox.resend_accepted(update["counter"] for update in own)
        self._outbox.applied.follow_delta(delta["from"], delta["to"], own)

    def _follow_snapshot(self, reason: str, before: str, device: str | None) -> None:
        """A snapshot replaces the deltas that would have shown what became of own updates."""
        applied = self._outbox.applied
        if reason == "unknown-cursor":
            self._history.cancel()
            applied.resend_all(device)
        elif applied.kept:
            # In a new process, only the journal knows which state contained what was applied.
            contained_in = self._store.contained_in or before
            self._history.request([before, contained_in, *applied.find_unproven(), self.replica.cursor])
        self._resend_accepted()

    def _resend_accepted(self) -> None:
        self._asked_at = time.monotonic()
        self._outbox.resend_accepted()
        self._changed.notify_all()

    def _check_unproven(self, max_version: int | None) -> None:
        """Asks whether the log has the results of own updates that the state up to a version does not show."""
        unproven = self._outbox.applied.find_unproven(max_version)
        if unproven:
            self._history.request([*unproven, self.replica.cursor])
            self._changed.notify_all()
