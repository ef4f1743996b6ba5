"""The outbox: the vectors, and its file."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from field_client.clock import HybridClock
from field_client.files import FolderInUseError
from field_client.history import EMPTY_CURSOR
from field_client.outbox import states
from field_client.outbox.journal import Journal
from field_client.outbox.outbox import Outbox
from field_client.outbox.store import OutboxStore

from .support import read_vectors

JsonObject = dict[str, Any]
WALL = 1_700_000_100_000
#: A client that always waits for results needs neither.
ONLY_BY_DELTAS = ("settledByDelta", "disputed")


class Process:
    """A process that has the outbox open."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path)
        self.store = OutboxStore(self.journal)
        self.store.load()
        self.outbox = Outbox(self.store, HybridClock(lambda: WALL), pick=lambda: 0)

    def edit(self, name: str) -> None:
        self.outbox.add({"kind": "particle.put", "id": name}, EMPTY_CURSOR)

    def describe(self) -> list[list[Any]]:
        return [
            [entry.update["id"], entry.counter, entry.status, *([entry.outcome] if entry.outcome else [])]
            for entry in self.outbox.entries
        ]


class OutboxTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "outbox"
        # No power fails in these tests, and a disk takes its time.
        sync = mock.patch("os.fsync")
        self.sync = sync.start()
        self.addCleanup(sync.stop)

    def test_every_change_is_on_disk_before_it_has_an_effect(self) -> None:
        process = self.start()
        self.sync.reset_mock()
        process.edit("a")
        self.assertEqual(self.sync.call_count, 1)
        process.outbox.next_batch(1, 1000)
        self.assertEqual(self.sync.call_count, 2)

    def start(self) -> Process:
        process = Process(self.path)
        self.addCleanup(process.store.close)
        return process

    def test_the_states_follow_on_each_other_as_in_the_vectors(self) -> None:
        for case in read_vectors("outbox")["states"]:
            state = case["state"]
            if state == "settledByDelta":
                continue
            with self.subTest(state):
                following = {event: states.next_state(state, event) for event in states.TRANSITIONS}
                following = {event: after for event, after in following.items() if after}
                expected = {event: after for event, after in case["next"].items() if event not in ONLY_BY_DELTAS}
                self.assertEqual(following, expected)
                seen = (states.is_pending(state), states.is_due(state), states.status_of(state))
                self.assertEqual(seen, (case["pending"], case["due"], case["status"]))

    def test_conversations_leave_the_same_updates_in_the_outbox(self) -> None:
        for case in read_vectors("outbox")["conversations"]:
            with self.subTest(case["name"]):
                self.path.unlink(missing_ok=True)
                self.play(case["steps"])

    def play(self, steps: list[JsonObject]) -> None:
        process = Process(self.path)
        backup = b""
        request: list[int] = []
        for at, step in enumerate(steps):
            if step["do"] == "backup":
                backup = self.path.read_bytes()
            elif step["do"] in ("restart", "restore"):
                process.store.close()
                if step["do"] == "restore":
                    self.path.write_bytes(backup)
                process = Process(self.path)
            elif step["do"] == "send":
                request = [update["counter"] for update in process.outbox.next_batch(500, 1_000_000)]
                self.assertEqual(request, step["request"], at)
            else:
                self.perform(process, step, request)
            self.assertEqual(process.describe(), step["outbox"], f"after step {at}: {step['do']}")
        process.store.close()

    def perform(self, process: Process, step: JsonObject, request: list[int]) -> None:
        outbox = process.outbox
        kind = step["do"]
        if kind == "edit":
            process.edit(step["name"])
        elif kind == "accepted":
            outbox.mark_accepted(request)
        elif kind == "results":
            outbox.settle(step["results"], "d")
        elif kind == "invalid":
            for path in step["paths"]:
                outbox.refuse(request[int(path.split("/")[2])], path)
        elif kind == "missed":
            outbox.resend_accepted()
        elif kind == "delta":
            outbox.applied.follow_delta(step["from"], step["to"], step["results"])
        elif kind == "unknown-cursor":
            outbox.applied.resend_all("d")
        elif kind == "confirmed":
            outbox.applied.confirm(f"{step['version']}.aaaaaaaaaaaaaaaa")
        elif kind == "server-counter":
            outbox.skip_to(step["counter"])
        elif kind == "connected":
            outbox.applied.add_connected(step["minutes"] * 60_000)
        elif kind == "discard":
            outbox.discard(next(entry for entry in outbox.entries if entry.update["id"] == step["name"]))
        else:
            self.fail(f"unknown step {kind}")

    def test_a_second_process_is_refused_until_the_first_one_has_ended(self) -> None:
        process = self.start()
        with self.assertRaises(FolderInUseError):
            Process(self.path)
        process.store.close()
        self.start()

    def test_a_torn_line_costs_nothing_but_itself(self) -> None:
        process = self.start()
        process.edit("a")
        process.edit("b")
        process.store.close()
        whole = self.path.read_bytes()
        for length in range(whole.rindex(b"\n", 0, -1), len(whole) - 1):
            self.path.write_bytes(whole[:length])
            process = self.start()
            self.assertEqual(process.describe(), [["a", 1, "queued"]])
            process.edit("c")
            process.store.close()
            process = self.start()
            self.assertEqual(process.describe(), [["a", 1, "queued"], ["c", 2, "queued"]])
            process.store.close()

    def test_a_damaged_line_costs_nothing_but_itself_and_is_counted(self) -> None:
        process = self.start()
        for name in "abc":
            process.edit(name)
        process.store.close()
        self.path.write_bytes(self.path.read_bytes().replace(b'"id":"b"', b'"id":"x"'))
        process = self.start()
        self.assertEqual(process.describe(), [["a", 1, "queued"], ["c", 3, "queued"]])
        self.assertEqual(process.journal.damaged, 1)

    def test_an_update_that_cannot_be_stored_is_not_added_and_its_counter_is_used_by_the_next(self) -> None:
        process = self.start()
        append = process.journal.append

        def fail(*_: JsonObject, **__: bool) -> None:
            raise OSError("no space left on device")

        process.journal.append = fail  # type: ignore[method-assign]
        with self.assertRaises(OSError):
            process.edit("a")
        process.journal.append = append  # type: ignore[method-assign]
        process.edit("b")
        self.assertEqual(process.describe(), [["b", 1, "queued"]])

    def test_an_update_that_cannot_be_stored_under_a_new_counter_keeps_its_old_one(self) -> None:
        process = self.start()
        process.edit("a")
        process.outbox.next_batch(1, 1000)
        reused = {"counter": 1, "outcome": "reused", "version": 1, "cursor": EMPTY_CURSOR}
        with mock.patch.object(process.journal, "append", side_effect=OSError("no space left on device")):
            with self.assertRaises(OSError):
                process.outbox.settle([reused], "d")
        self.assertEqual(process.describe(), [["a", 1, "queued"]])
        process.outbox.settle([reused], "d")
        self.assertEqual(process.describe(), [["a", 2, "queued"]])

    def test_lower_counters_are_given_in_order_and_not_to_two_updates(self) -> None:
        process = self.start()
        for name in "abcd":
            process.edit(name)
        process.outbox.next_batch(2, 1000)
        applied = {"counter": 2, "outcome": "applied", "version": 1, "cursor": "1.aaaaaaaaaaaaaaaa"}
        process.outbox.settle([applied], "d")
        process.outbox.skip_to(3_000_000)
        process.outbox.next_batch(2, 1000)
        process.outbox.refuse(3_010_001, "no")
        process.edit("e")
        # What "a" was sent for is not known. The log of the server was restored from a backup without "b".
        process.outbox.lower_counters(3_010_001, 0, [])
        expected = [["a", 1, "queued"], ["b", 2, "applied", "applied"], ["d", 3, "queued"], ["e", 4, "queued"]]
        refused = [["c", 3_010_001, "refused"]]
        self.assertEqual(process.describe(), expected + refused)
        for _ in range(2):  # The second time, the journal was made shorter.
            process.store.close()
            process = self.start()
            self.assertEqual(process.describe(), expected + refused)
        process.edit("f")
        self.assertEqual(process.describe(), [*expected, ["f", 5, "queued"], *refused])

    def test_what_another_process_may_have_sent_gets_a_lower_counter_only_if_it_was_not_applied(self) -> None:
        process = self.start()
        process.outbox.skip_to(3_000_000)
        process.edit("a")
        process.store.close()
        process = self.start()
        process.outbox.lower_counters(3_010_001, 0, [])
        self.assertEqual(process.describe(), [["a", 3_010_001, "queued"]])
        process.outbox.lower_counters(3_010_001, 0, [3_010_001])
        self.assertEqual(process.describe(), [["a", 1, "queued"]])
        self.assertEqual(process.outbox.entries[0].state, "queued")

    def test_counters_stay_if_those_above_the_last_one_are_not_lower(self) -> None:
        process = self.start()
        for name in "abc":
            process.edit(name)
        process.outbox.next_batch(1, 1000)
        process.outbox.lower_counters(2, 0, [])
        process.outbox.lower_counters(2, 1, [])
        self.assertEqual([counter for _, counter, _ in process.describe()], [1, 2, 3])
        process.edit("d")
        self.assertEqual([counter for _, counter, _ in process.describe()], [1, 2, 3, 4])

    def test_the_timestamp_of_the_first_request_survives_a_restart(self) -> None:
        process = self.start()
        process.edit("a")
        sent = process.outbox.next_batch(1, 1000)
        process.store.close()
        later = self.start()
        later.outbox = Outbox(later.store, HybridClock(lambda: WALL + 60_000))
        self.assertEqual(later.outbox.next_batch(1, 1000), sent)

    def test_timestamps_rise_although_the_clock_was_set_back_between_two_processes(self) -> None:
        process = self.start()
        process.edit("a")
        (first,) = process.outbox.next_batch(1, 1000)
        process.store.close()
        for _ in range(2):  # The second time, the journal was made shorter.
            store = OutboxStore(Journal(self.path))
            store.load()
            self.addCleanup(store.close)
            outbox = Outbox(store, HybridClock(lambda: WALL - 3_600_000))
            outbox.add({"kind": "particle.put", "id": "b"}, EMPTY_CURSOR)
            *_, second = outbox.next_batch(9, 1000)
            self.assertGreater(second["timestamp"], first["timestamp"])
            first = second
            store.close()

    def test_the_journal_stays_short_while_updates_come_and_go(self) -> None:
        process = self.start()
        for counter in range(1, 1001):
            process.edit("a")
            process.outbox.next_batch(1, 1000)
            process.outbox.refuse(counter, "no")
            process.outbox.discard(process.outbox.entries[0])
        self.assertLess(process.journal.length, 2010)
        process.store.close()
        process = self.start()
        process.edit("b")
        self.assertEqual(process.describe(), [["b", 1001, "queued"]])


if __name__ == "__main__":
    unittest.main()
