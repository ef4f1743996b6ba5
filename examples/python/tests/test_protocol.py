"""Cursors, hashes, clock, validation, stream and optimistic state, by the vectors."""

from __future__ import annotations

import unittest

from field_client.clock import HybridClock
from field_client.history import (
    canonical_json,
    chain_hash,
    format_cursor,
    hash_content,
    hash_genesis,
    hash_prefix_of,
    is_cursor,
    version_of,
)
from field_client.net.sse import Event, EventParser, split_lines
from field_client.state.optimistic import show_pending
from field_client.state.presence import Presence
from field_client.state.replica import Replica
from field_client.validation import find_wrong_paths

from .support import read_vectors


class HistoryTest(unittest.TestCase):
    vectors = read_vectors("history")

    def test_one_value_has_one_text(self) -> None:
        for case in self.vectors["canonicalJson"]:
            self.assertEqual(canonical_json(case["value"]), case["text"])

    def test_cursors_are_recognised(self) -> None:
        for case in self.vectors["cursors"]:
            with self.subTest(case["cursor"]):
                self.assertEqual(is_cursor(case["cursor"]), "invalid" not in case)
                if "invalid" not in case:
                    parts = (version_of(case["cursor"]), hash_prefix_of(case["cursor"]))
                    self.assertEqual(parts, (case["version"], case["hash"]))

    def test_the_chain_of_hashes_is_verified_also_past_erased_content(self) -> None:
        chain = self.vectors["chain"]
        digest = hash_genesis(chain["field"], chain["genesis"])
        self.assertEqual(digest, chain["hash"])
        for entry in chain["entries"]:
            if "update" in entry:
                self.assertEqual(hash_content(entry), entry["contentHash"])
            digest = chain_hash(digest, entry, None if "update" in entry else entry["contentHash"])
            self.assertEqual(digest, entry["hash"])
            self.assertEqual(format_cursor(entry["version"], digest), entry["cursor"])


class ClockTest(unittest.TestCase):
    def test_timestamps_follow_the_server_and_what_was_seen(self) -> None:
        for case in read_vectors("clock")["cases"]:
            with self.subTest(case["name"]):
                self.play(case["steps"])

    def play(self, steps: list[dict]) -> None:
        wall = 0
        clock = HybridClock(lambda: wall)
        for step in steps:
            wall = step["wall"]
            if step["do"] == "next":
                self.assertEqual(clock.next(), step["timestamp"])
            elif step["do"] == "restamp":
                self.assertEqual(clock.restamp(step["createdAt"], step["above"]), step["timestamp"])
            elif step["do"] == "observe":
                clock.observe(step["timestamp"])
            else:
                clock.correct(step["serverTime"], step["sentAt"])


class ValidationTest(unittest.TestCase):
    def test_the_same_bodies_are_refused_at_the_same_paths(self) -> None:
        vectors = read_vectors("validation")
        for case in vectors["cases"]:
            with self.subTest(case["name"]):
                self.assertEqual(find_wrong_paths(case["body"], vectors["gridSize"]), case.get("wrong", []))


class StreamTest(unittest.TestCase):
    vectors = read_vectors("stream")

    def parse(self, chunks: list[bytes]) -> list[Event]:
        parser = EventParser()
        return [event for event in map(parser.feed, split_lines(chunks)) if event]

    def test_events_are_parsed_however_their_bytes_arrive(self) -> None:
        for case in self.vectors["framing"]:
            text = case["text"].encode("utf-8")
            expected = [Event(**event) for event in case["events"]]
            for chunks in ([text], [bytes([byte]) for byte in text]):
                with self.subTest(case["name"], chunks=len(chunks)):
                    self.assertEqual(self.parse(chunks), expected)

    def test_devices_come_change_and_go(self) -> None:
        presence = Presence()
        for step in self.vectors["presence"]:
            presence.apply(step["message"])
            present = {"activeNodes": presence.active_nodes, "devices": presence.devices}
            self.assertEqual(present, step["present"])

    def test_messages_have_the_same_effect_and_lead_to_the_same_state(self) -> None:
        for case in self.vectors["replica"]:
            with self.subTest(case["name"]):
                replica = Replica("global")
                for step in case["steps"]:
                    self.assertEqual(replica.apply(step["message"]), step["effect"])
                    self.assertEqual(replica.cursor, step["cursor"])
                self.assertEqual(replica.state, case["state"])


class OptimisticStateTest(unittest.TestCase):
    maxDiff = None

    def test_own_updates_are_shown_by_the_rules_of_the_server(self) -> None:
        for case in read_vectors("optimistic")["cases"]:
            with self.subTest(case["name"]):
                self.assertEqual(show_pending(case["server"], case["device"], case["pending"]), case["view"])


if __name__ == "__main__":
    unittest.main()
