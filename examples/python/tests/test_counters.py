"""Updates whose counters are too far above the last one that the server knows of the device."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from field_client.client import outbox_path
from field_client.outbox.journal import Journal
from field_client.outbox.store import OutboxStore

from .client_case import ClientCase
from .fake_server import Failure

TOO_FAR = Failure(400, b'{"code":"counter_too_far","errors":[{"path":"/updates/0/counter","message":"is too high"}]}')


class CountersTest(ClientCase):
    @contextmanager
    def stored(self) -> Iterator[OutboxStore]:
        """The outbox while no client has it open."""
        store = OutboxStore(Journal(outbox_path(self.folder, self.server.url, "f", None)))
        store.load()
        yield store
        store.save_head()
        store.close()

    def count_from(self, counter: int) -> None:
        """Stores an outbox whose last counter is this one."""
        with self.stored() as store:
            store.counter = store.sent = counter

    def test_edits_are_numbered_from_the_counter_of_the_server(self) -> None:
        self.count_from(1_200_000)
        client = self.open()
        paths: list[str] = []
        with mock.patch.object(self.server, "take_failure", side_effect=paths.append):
            entries = [client.set_cells({(at, 0): at / 10}) for at in range(3)]
            self.settle(client, *entries)
        # A request that was refused as a whole has sent nothing, so that no receipt is asked for.
        self.assertEqual([path for path in paths if "/updates/" in path], [])
        self.assertEqual([(entry.status, entry.counter) for entry in entries], [("applied", at) for at in (1, 2, 3)])
        self.assertEqual(self.values(), [0, 0.1, 0.2])
        client.close()
        self.assertEqual(set(self.problems), {"counter_too_far"})
        self.problems.clear()
        client = self.open()
        self.settle(client, client.set_cells({(3, 0): 0.3}))
        self.assertEqual((self.server.requests[-1], self.problems), ([4], []))

    def test_an_edit_that_was_sent_without_an_answer_is_numbered_from_the_counter_of_the_server(self) -> None:
        self.count_from(1_200_000)
        self.server.fail("/updates", Failure(), times=2)
        client = self.open()
        first = client.set_cells({(0, 0): 0.1})
        self.settle(client, first, client.set_cells({(1, 0): 0.2}))
        self.assertEqual((first.counter, self.values()), (1, [0.1, 0.2]))

    def test_edits_that_an_earlier_process_may_have_sent_are_numbered_in_their_order(self) -> None:
        self.count_from(1_200_000)
        self.server.stop()
        client = self.open()
        for at in range(3):
            client.set_cells({(at, 0): at / 10})
        client.close()
        with self.stored() as store:
            store.sent = 1_200_002
        self.server.start()
        client = self.open()
        self.settle(client, *client.outbox, client.set_cells({(3, 0): 0.3}))
        self.assertEqual(self.values(), [0, 0.1, 0.2, 0.3])
        self.assertEqual([entry.update["counter"] for entry in self.server.log], [1, 2, 3, 4])

    def test_an_edit_that_was_applied_under_its_counter_is_not_numbered_again(self) -> None:
        self.count_from(1_200_000)
        self.server.max_gap = 2_000_000
        self.server.fail("/updates", Failure())
        self.server.fail("/updates", TOO_FAR)
        client = self.open()
        entry = client.set_cells({(0, 0): 0.1})
        self.settle(client, entry)
        self.assertEqual((entry.status, entry.counter, self.values()), ("applied", 1_200_001, [0.1]))
        self.assertEqual(self.server.requests, [[1_200_001]])

    def test_edits_before_the_first_counter_that_is_too_far_keep_theirs(self) -> None:
        self.count_from(999_998)
        self.server.stop()
        client = self.open()
        entries = [client.set_cells({(at, 0): at / 10}) for at in range(3)]
        self.server.start()
        self.settle(client, *entries)
        self.assertEqual([entry.counter for entry in entries], [999_999, 1_000_000, 1_000_001])
        self.assertEqual(self.values(), [0, 0.1, 0.2])

    def test_a_server_that_refuses_every_counter_is_not_asked_without_a_pause(self) -> None:
        client = self.open()
        self.wait(client, lambda: client.status == "live")
        self.server.fail("/updates", TOO_FAR, times=9)
        with mock.patch.object(client._sender._backoff, "wait") as wait:
            entry = client.set_cells({(0, 0): 0.1})
            self.settle(client, entry)
        self.assertEqual((wait.call_count, self.problems), (9, ["counter_too_far"] * 9))
        self.assertEqual((entry.status, self.values()), ("applied", [0.1]))

    def test_a_device_with_a_new_id_numbers_its_edits_from_its_own_counter(self) -> None:
        self.server.max_gap = 2_000_000
        self.count_from(1_200_000)
        client = self.open()
        self.settle(client, client.set_cells({(0, 0): 0.1}))
        self.server.fail("/updates", Failure(), times=100)
        client.set_cells({(0, 0): 0.2})
        self.wait(client, lambda: len(self.server.log) == 2)
        self.server.stop()
        client.set_cells({(0, 0): 0.3})
        client.close()
        while self.server.take_failure("/updates"):
            pass
        self.server.start()
        self.server.tokens.clear()
        self.server.max_gap = 1_000_000
        client = self.open()
        self.settle(client, *client.outbox, client.set_cells({(0, 0): 0.4}))
        self.assertEqual(self.values(), [0.1, 0.2, 0.3, 0.4])
        self.assertEqual([entry.update["counter"] for entry in self.server.log], [1_200_001, 1_200_002, 1, 2])


if __name__ == "__main__":
    unittest.main()
