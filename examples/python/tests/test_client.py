"""The whole client with a server that fails in every way that a client has to survive."""

from __future__ import annotations

import json
import shutil
import unittest
from unittest import mock

from field_client import FieldClient, FolderInUseError, InvalidUpdateError
from field_client.net.identity import Identity

from .client_case import ClientCase
from .fake_server import Failure


class ClientTest(ClientCase):
    def test_edits_are_shown_at_once_and_applied_once(self) -> None:
        client = self.open()
        first, second = client.set_cells({(0, 0): 0.1}), client.set_cells({(1, 0): 0.2})
        self.assertEqual(client.state["cells"], {"0,0": 0.1, "1,0": 0.2})
        self.settle(client, first, second)
        self.wait(client, lambda: not client.outbox)
        self.assertEqual(client.server_state["cells"], {"0,0": 0.1, "1,0": 0.2})
        self.assertEqual(self.values(), [0.1, 0.2])
        self.assertEqual(self.server.log[0].device, client.device)

    def test_edits_without_a_server_are_sent_by_the_next_process(self) -> None:
        self.server.stop()
        client = self.open()
        client.set_cells({(0, 0): 0.1})
        client.close()
        self.assertIn("network", self.problems)
        self.server.start()
        client = self.open()
        self.assertEqual(client.state["cells"], {"0,0": 0.1})
        self.settle(client, *client.outbox)
        self.assertEqual(self.values(), [0.1])

    def test_an_answer_that_is_lost_does_not_apply_an_edit_twice(self) -> None:
        client = self.open()
        self.server.fail("/updates", Failure(), times=3)
        entry = client.set_cells({(0, 0): 0.1})
        self.settle(client, entry)
        self.assertEqual((entry.outcome, self.values()), ("duplicate", [0.1]))
        self.assertEqual(self.server.requests, [[1]] * 4)

    def test_what_is_not_the_api_is_a_problem_of_the_network(self) -> None:
        portal = Failure(200, b"<html>Log in</html>", (("content-type", "text/html"),))
        other = Failure(200, b'{"ok": true}')
        proxy = Failure(502, b"Bad gateway")
        for failure in (portal, other, proxy):
            for path in ("/api/devices", "/events", "/clock", "/updates"):
                self.server.fail(path, failure)
        client = self.open()
        entry = client.set_cells({(0, 0): 0.1})
        self.settle(client, entry)
        self.wait(client, lambda: client.status == "live")
        self.assertEqual(self.values(), [0.1])
        self.assertEqual(set(self.problems), {"network", "internal"})

    def test_messages_that_are_not_understood_end_the_stream_and_not_the_client(self) -> None:
        client = self.open()
        self.wait(client, lambda: client.status == "live")
        for message in ({"type": "delta"}, {"type": "snapshot", "state": 5}, {"type": "weather"}):
            self.server.send(message)
        entry = client.set_cells({(0, 0): 0.1})
        self.settle(client, entry)
        self.wait(client, lambda: not client.outbox)
        self.assertEqual(client.server_state["cells"], {"0,0": 0.1})

    def test_a_server_that_asks_to_wait_is_not_asked_again_before(self) -> None:
        client = self.open()
        self.wait(client, lambda: client.status == "live")
        self.server.fail("/updates", Failure(503, b'{"code":"overloaded"}', (("retry-after", "1"),)))
        with mock.patch.object(client._sender._backoff, "wait") as wait:
            self.settle(client, client.set_cells({(0, 0): 0.1}))
        wait.assert_called_once_with(1.0)
        self.assertEqual(self.problems, ["overloaded"])

    def test_accepted_edits_are_asked_for_when_a_delta_names_them(self) -> None:
        client = self.open()
        self.server.is_slow = True
        entry = client.set_cells({(0, 0): 0.1})
        self.wait(client, lambda: entry.status == "accepted")
        self.server.is_slow = False
        self.server.close_streams()
        self.settle(client, entry)
        self.assertEqual((entry.outcome, entry.version, self.values()), ("duplicate", 1, [0.1]))

    def test_a_stream_continues_where_it_ended_and_a_gap_is_filled(self) -> None:
        messages: list[str] = []
        client = self.open(on_message=lambda message: messages.append(message["type"]))
        self.wait(client, lambda: client.status == "live")
        other = self.open(self.folder / "other")
        self.settle(other, other.set_cells({(0, 0): 0.1}))
        self.wait(client, lambda: client.server_state["version"] == 1)
        self.server.close_streams()
        self.settle(other, other.set_cells({(0, 0): 0.2}), other.set_cells({(0, 0): 0.3}))
        self.wait(client, lambda: client.server_state["version"] == 3)
        later = {"from": "7.aaaaaaaaaaaaaaaa", "to": "9.aaaaaaaaaaaaaaaa"}
        self.server.send({"type": "delta", **later, "updates": [], "changes": {}, "maxTimestamp": 0})
        self.settle(other, other.set_cells({(0, 0): 0.4}))
        self.wait(client, lambda: client.server_state["cells"] == {"0,0": 0.4})
        self.assertEqual(self.problems, [])

    def test_what_a_failover_has_lost_is_sent_again_before_newer_edits(self) -> None:
        client = self.open()
        self.settle(client, *(client.set_cells({(at, 0): at / 10}) for at in range(5)))
        self.wait(client, lambda: not client.outbox)
        self.server.lose_tail(2)
        self.wait(client, lambda: len(self.server.log) == 5 and not client.outbox)
        self.settle(client, client.set_cells({(9, 0): 0.9}))
        self.assertEqual(self.values(), [0, 0.1, 0.2, 0.3, 0.4, 0.9])

    def test_what_was_lost_while_no_process_ran_is_sent_again_by_the_next(self) -> None:
        client = self.open()
        self.settle(client, *(client.set_cells({(at, 0): at / 10}) for at in range(3)))
        client.close()
        self.server.lose_tail(2)
        other = self.open(self.folder / "other")
        self.settle(other, other.set_cells({(9, 0): 0.9}), other.set_cells({(9, 1): 0.8}))
        client = self.open()
        self.wait(client, lambda: len(self.server.log) == 5 and not client.outbox)
        self.assertEqual(self.values(), [0, 0.9, 0.8, 0.1, 0.2])

    def test_a_new_process_asks_for_the_last_state_and_not_for_each_update(self) -> None:
        client = self.open()
        for at in range(5):
            self.settle(client, client.set_cells({(at, 0): at / 10}))
        self.wait(client, lambda: not client.outbox)
        client.close()
        self.server.checks.clear()
        client = self.open()
        self.wait(client, lambda: client.server_state["version"] == 5)
        self.settle(client, client.set_cells({(5, 0): 0.5}))
        self.assertEqual(set(self.server.checks), {self.server.cursor(5)})

    def test_a_copied_folder_loses_no_edit_and_doubles_none(self) -> None:
        client = self.open()
        self.settle(client, client.set_cells({(0, 0): 0.1}))
        client.close()
        shutil.copytree(self.folder, self.folder / "copy")
        client, copy = self.open(), self.open(self.folder / "copy")
        for round_number in range(3):
            value = round_number / 10
            own, others = client.set_cells({(1, 1): value + 0.03}), copy.set_cells({(2, 2): value + 0.04})
            self.settle(client, own)
            self.settle(copy, others)
        self.assertEqual(sorted(round(value, 2) for value in self.values()), [0.03, 0.04, 0.1, 0.13, 0.14, 0.23, 0.24])

    def test_an_invalid_edit_is_refused_where_it_is_made(self) -> None:
        client = self.open()
        with self.assertRaises(InvalidUpdateError) as raised:
            client.set_cells({(0, 0): 2})
        self.assertEqual(raised.exception.paths, ["/cells/0/value"])
        self.assertEqual(client.outbox, [])

    def test_an_edit_that_the_server_refuses_is_set_aside(self) -> None:
        self.server.stop()
        client = self.open()
        entries = [client.set_cells({(at, 0): at / 10}) for at in range(3)]
        error = {"code": "invalid_input", "errors": [{"path": "/updates/1/cells/0/x", "message": "is too large"}]}
        self.server.fail("/updates", Failure(400, json.dumps(error).encode()))
        self.server.start()
        self.settle(client, *entries)
        self.assertEqual([entry.status for entry in entries], ["applied", "refused", "applied"])
        self.assertEqual(entries[1].reason, "/cells/0/x is too large")
        self.assertEqual(self.values(), [0, 0.2])
        client.discard(entries[1])
        self.wait(client, lambda: not client.outbox)

    def test_an_edit_that_is_too_large_is_found_by_halves(self) -> None:
        self.server.stop()
        client = self.open()
        entries = [client.set_cells({(at, 0): at / 10}) for at in range(3)]
        # The whole request, its first half, and the first edit alone.
        self.server.fail("/updates", Failure(413, b'{"code":"too_large","title":"Too large"}'), times=3)
        self.server.start()
        self.settle(client, *entries)
        self.assertEqual([entry.status for entry in entries], ["refused", "applied", "applied"])

    def test_a_token_that_is_rejected_is_renewed_for_the_same_device(self) -> None:
        client = self.open()
        self.settle(client, client.set_cells({(0, 0): 0.1}))
        self.server.fail("/updates", Failure(401, b'{"code":"token_expired"}'))
        self.settle(client, client.set_cells({(0, 0): 0.2}))
        self.assertEqual({entry.device for entry in self.server.log}, {client.device})
        self.assertEqual(len(self.server.tokens), 2)

    def test_a_device_that_is_not_recognised_any_more_doubles_nothing_under_its_new_id(self) -> None:
        client = self.open()
        self.server.fail("/updates", Failure())
        entry = client.set_cells({(0, 0): 0.1})
        self.wait(client, lambda: len(self.server.log) == 1)
        first = client.device
        self.server.tokens.clear()
        second = client.set_cells({(0, 0): 0.2})
        self.settle(client, entry, second)
        self.assertNotEqual(client.device, first)
        self.assertEqual(sorted(self.values()), [0.1, 0.2])

    def test_a_receipt_that_was_answered_before_a_failure_is_not_asked_for_again(self) -> None:
        client = self.open()
        self.server.fail("/updates", Failure(), times=1000)
        for at in range(10):
            client.set_cells({(at, 0): at / 100})
        self.wait(client, lambda: len(self.server.log) == 10)
        self.server.stop()
        for at in range(10, 20):
            client.set_cells({(at, 0): at / 100})
        client.close()
        self.server.start()
        self.server.tokens.clear()
        requests: list[str] = []
        answered: list[str] = []

        def limit(path: str) -> Failure | None:
            if "/updates/" not in path:
                return None
            requests.append(path)
            if len(requests) % 8 == 0:
                return Failure(429, b'{"code":"rate_limited"}', (("retry-after", "0"),))
            answered.append(path)
            return None

        with mock.patch.object(self.server, "take_failure", limit):
            client = self.open()
            self.settle(client, *client.outbox)
        self.assertNotEqual(client.device, self.server.log[0].device)
        self.assertEqual(sorted(self.values()), [at / 100 for at in range(20)])
        self.assertEqual((len(answered), len(set(answered))), (20, 20))

    def test_a_token_is_renewed_before_it_expires(self) -> None:
        now = 4_000_000_000_000 - 120_000
        api = mock.Mock()
        api.request.side_effect = lambda *_, **__: mock.Mock(body=self.server.register())
        identity = Identity(api, self.folder / "identity.json", lambda: now)
        token = identity.token()
        self.assertEqual(identity.token(), token)
        now += 61_000
        self.assertTrue(identity.is_renewal_due)
        self.assertNotEqual(identity.token(), token)

    def test_a_device_keeps_its_id_over_processes_and_two_processes_cannot_share_an_outbox(self) -> None:
        client = self.open()
        self.wait(client, lambda: client.status == "live")
        with self.assertRaises(FolderInUseError):
            FieldClient(self.server.url, "f", self.folder)
        client.close()
        self.assertEqual(self.open().device, client.device)

    def test_no_account_sends_the_edits_of_another(self) -> None:
        first, second = (self.server.register()["token"] for _ in range(2))
        self.server.stop()
        client = self.open(token=first)
        client.set_cells({(0, 0): 0.1})
        client.close()
        self.server.start()
        other = self.open(token=second)
        self.settle(other, other.set_cells({(0, 0): 0.2}))
        self.assertEqual([entry.device for entry in self.server.log], ["device-2"])
        other.close()
        again = self.open(token=first)
        self.settle(again, *again.outbox)
        self.assertEqual([entry.device for entry in self.server.log], ["device-2", "device-1"])


if __name__ == "__main__":
    unittest.main()
