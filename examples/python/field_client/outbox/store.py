"""The entries of an outbox and its counters, in memory and in the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable

from .entry import Entry, restore_entry
from .journal import Journal, Record

#: The journal is replaced by one without what is settled when it has so many records, and four times what is needed.
_MIN_LENGTH = 2000


class OutboxStore:
    """Writes every change before it returns, so that what it says is never behind what has happened."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        #: After a failed attempt to replace the journal, the next one follows when it is longer than this.
        self._retry_length = 0
        #: By place: pending and refused updates, and applied ones that are kept or shown.
        self.entries: dict[int, Entry] = {}
        #: The highest counter and place assigned so far.
        self.counter = 0
        self.place = 0
        #: No update with a higher counter was ever sent.
        self.sent = 0
        #: The device that the counters belong to.
        self.device: str | None = None
        #: The newest cursor of a state that contained all applied updates which are not shown.
        self.contained_in: str | None = None
        #: For how long a stream was open, in ms.
        self.connected = 0
        #: The highest timestamp that this device has seen or sent, as far as that is stored.
        self.timestamp = 0

    def load(self) -> None:
        """Locks the journal, reads it, and replaces it by a short one."""
        self._restore(self._journal.open())
        self._journal.replace(self._records())

    def load_read_only(self) -> None:
        """Reads without a lock, for looking at the outbox of another process. Changes are not stored."""
        self._restore(self._journal.read())

    def close(self) -> None:
        """Unlocks the journal."""
        self._journal.close()

    def select(self, matches: Callable[[Entry], bool]) -> list[Entry]:
        """Entries in the order of their counters."""
        return sorted(filter(matches, self.entries.values()), key=lambda entry: entry.counter)

    def put(self, *entries: Entry) -> None:
        """Stores entries that are new or have changed."""
        self._journal.append(*(entry.to_record() for entry in entries))
        for entry in entries:
            self.entries[entry.place] = entry
            self.place = max(self.place, entry.place)
            self.counter = max(self.counter, entry.counter)
        self._compact()

    def renumber(self, counters: Mapping[Entry, int], sent: int | None = None) -> None:
        """Stores entries under new counters, and only then gives them these.

        :param sent: the highest counter that was sent, if the new ones are lower than the old ones
        """
        changes = [(entry, {**entry.update, "counter": counter}) for entry, counter in counters.items()]
        records = [{**entry.to_record(), "update": update} for entry, update in changes]
        highest = max(counters.values(), default=self.counter)
        if sent is not None:
            # A torn line leaves the old counters, above which nothing was ever numbered.
            records.append({"do": "head", "counter": highest, "sent": sent})
        self._journal.append(*records)
        for entry, update in changes:
            entry.update = update
        self.counter = highest if sent is not None else max(self.counter, highest)
        self.sent = self.sent if sent is None else sent
        self._compact()

    def mark_sent(self, entries: Iterable[Entry]) -> None:
        """Stores that these may have been sent, with the timestamps that were chosen for them."""
        stamps = [[entry.place, entry.update["timestamp"]] for entry in entries]
        sent = max([self.sent, *(entry.counter for entry in entries)])
        self._journal.append({"do": "sent", "counter": sent, "stamps": stamps})
        self.sent = sent
        self.timestamp = max(self.timestamp, *(timestamp for _, timestamp in stamps))
        self._compact()

    def mark_contained(self, entries: Iterable[Entry], cursor: str) -> None:
        """Stores that the state with this cursor contains these. If that is lost, it can be found out again."""
        places = [entry.place for entry in entries]
        if places:
            self._journal.append({"do": "contained", "places": places, "cursor": cursor}, sync=False)
            self.contained_in = cursor
            self._compact()

    def remove(self, entries: Iterable[Entry]) -> None:
        """Forgets entries."""
        places = [entry.place for entry in entries]
        if places:
            self._journal.append({"do": "drop", "places": places})
            for place in places:
                self.entries.pop(place, None)
            self._compact()

    def set_device(self, device: str) -> None:
        """Stores whose counters these are."""
        self._journal.append({"do": "head", "device": device})
        self.device = device
        self._compact()

    def save_head(self) -> None:
        """Stores the counters and the connected time."""
        self._journal.append(self._head())
        self._compact()

    def _compact(self) -> None:
        """To be called after the change that was appended is in memory, since the new file has only what memory has."""
        length = self._journal.length
        if length <= max(_MIN_LENGTH, 4 * len(self.entries), self._retry_length):
            return
        try:
            self._journal.replace(self._records())
            self._retry_length = 0
        except OSError:
            # The change is stored in the long journal. Each attempt writes the whole file, so the next one is not soon.
            self._retry_length = length + _MIN_LENGTH

    def _records(self) -> Iterable[Record]:
        stored = (entry for entry in self.entries.values() if not entry.is_settled or entry.kept_at is not None)
        # Entries that kept counters above the highest one, when others were renumbered, do not raise it.
        return [self._head(), *(entry.to_record() for entry in stored), {"do": "head", "counter": self.counter}]

    def _head(self) -> Record:
        names = ("counter", "place", "sent", "device", "connected", "timestamp", "contained_in")
        return {"do": "head", **{name: getattr(self, name) for name in names}}

    def _restore(self, records: list[Record]) -> None:
        puts: dict[int, Record] = {}
        for record in records:
            self._replay(record, puts)
        self.entries = {place: restore_entry(record, self.sent) for place, record in puts.items()}

    def _replay(self, record: Record, puts: dict[int, Record]) -> None:
        kind = record["do"]
        if kind == "head":
            for name, value in record.items():
                if name != "do":
                    setattr(self, name, value)
        elif kind == "put":
            puts[record["place"]] = record
            self.place = max(self.place, record["place"])
            self.counter = max(self.counter, record["update"]["counter"])
            self.timestamp = max(self.timestamp, record["above"])
        elif kind == "sent":
            self.sent = max(self.sent, record["counter"])
            for place, timestamp in record["stamps"]:
                self.timestamp = max(self.timestamp, timestamp)
                _stamp(puts.get(place), timestamp)
        elif kind == "contained":
            self.contained_in = record["cursor"]
            for place in record["places"]:
                if "applied" in puts.get(place, {}):
                    puts[place]["applied"]["contained"] = True
        elif kind == "drop":
            for place in record["places"]:
                puts.pop(place, None)


def _stamp(record: dict[str, Any] | None, timestamp: int) -> None:
    """The record is gone if its line was damaged."""
    if record:
        record["update"]["timestamp"] = timestamp
        record["stamped"] = True
