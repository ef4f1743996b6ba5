"""The outbox's file when it is made shorter: at its limit, each change has to be in the file that replaces it."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from field_client.outbox.entry import Entry
from field_client.outbox.journal import Journal
from field_client.outbox.store import _MIN_LENGTH, OutboxStore

CURSOR = "1.aaaaaaaaaaaaaaaa"


def create_entry(counter: int) -> Entry:
    update = {"kind": "particle.put", "id": f"p{counter}", "counter": counter, "timestamp": counter, "seen": CURSOR}
    return Entry(place=counter, update=update, state="queued", created_at=counter, above=counter)


class StoreTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "outbox"
        # No power fails in these tests, and a disk takes its time.
        sync = mock.patch("os.fsync")
        sync.start()
        self.addCleanup(sync.stop)
        self.open()

    def open(self) -> None:
        self.journal = Journal(self.path)
        self.store = OutboxStore(self.journal)
        self.store.load()
        self.addCleanup(self.store.close)

    def reopen(self) -> None:
        self.store.close()
        self.open()

    def fill(self) -> None:
        """Brings the journal to its limit: the next change replaces it."""
        while self.journal.length < _MIN_LENGTH:
            self.store.save_head()

    def counters(self) -> list[int]:
        return [entry.counter for entry in self.store.select(lambda _: True)]

    def test_an_update_survives_that_is_added_when_the_journal_is_replaced(self) -> None:
        self.fill()
        self.store.put(create_entry(7))
        self.assertLess(self.journal.length, 10)
        self.reopen()
        self.assertEqual((self.counters(), self.store.counter), ([7], 7))

    def test_an_update_stays_sent_whose_request_replaces_the_journal(self) -> None:
        entry = create_entry(7)
        self.store.put(entry)
        entry.update["timestamp"] = 99
        self.fill()
        self.store.mark_sent([entry])
        self.assertLess(self.journal.length, 10)
        self.reopen()
        (restored,) = self.store.entries.values()
        self.assertEqual((self.store.sent, self.store.timestamp, restored.state), (7, 99, "unverified"))

    def test_an_update_stays_forgotten_whose_removal_replaces_the_journal(self) -> None:
        entries = [create_entry(counter) for counter in (1, 2)]
        self.store.put(*entries)
        self.fill()
        self.store.remove(entries[:1])
        self.assertLess(self.journal.length, 10)
        self.reopen()
        self.assertEqual(self.counters(), [2])

    def test_the_device_survives_that_is_stored_when_the_journal_is_replaced(self) -> None:
        self.fill()
        self.store.set_device("device")
        self.assertLess(self.journal.length, 10)
        self.reopen()
        self.assertEqual(self.store.device, "device")

    def test_the_state_with_applied_updates_survives_that_is_stored_when_the_journal_is_replaced(self) -> None:
        entry = create_entry(1)
        entry.state, entry.version, entry.cursor, entry.kept_at = "settledByResponse", 1, CURSOR, 0
        self.store.put(entry)
        self.fill()
        self.store.mark_contained([entry], CURSOR)
        self.assertLess(self.journal.length, 10)
        self.reopen()
        self.assertEqual((self.store.contained_in, self.counters()), (CURSOR, [1]))

    def test_a_journal_that_cannot_be_replaced_stays_as_it_is(self) -> None:
        self.fill()
        with mock.patch("field_client.files.os.replace", side_effect=OSError("no space left on device")) as replace:
            for counter in range(1, 10):
                self.store.put(create_entry(counter))
            # A large file is not written in vain with every change.
            self.assertEqual(replace.call_count, 1)
        self.assertEqual(list(self.path.parent.glob("*.tmp")), [])
        self.reopen()
        self.assertEqual(self.counters(), list(range(1, 10)))

    def test_a_journal_that_could_not_be_replaced_is_replaced_later(self) -> None:
        self.fill()
        with mock.patch("field_client.files.os.replace", side_effect=OSError("no space left on device")):
            self.store.put(create_entry(1))
        for _ in range(_MIN_LENGTH + 1):
            self.store.save_head()
        self.assertLess(self.journal.length, 10)
        self.reopen()
        self.assertEqual(self.counters(), [1])

    def test_nothing_is_lost_if_replacing_the_journal_fails_after_its_name_has_changed(self) -> None:
        self.fill()
        with mock.patch("field_client.files.sync_folder", side_effect=OSError("input/output error")):
            self.store.put(create_entry(1))
        self.store.put(create_entry(2))
        self.reopen()
        self.assertEqual(self.counters(), [1, 2])

    def test_a_file_that_is_unlocked_is_not_replaced_any_more(self) -> None:
        entries = [create_entry(counter) for counter in range(1, 1001)]
        self.store.put(*entries)
        while self.journal.length <= _MIN_LENGTH:
            self.store.save_head()
        self.store.close()
        before = self.path.read_bytes()
        self.store.remove(entries)
        self.assertEqual(self.path.read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
