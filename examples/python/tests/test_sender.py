"""The sender's requests."""

from __future__ import annotations

import unittest
from types import SimpleNamespace
from unittest import mock

from field_client.clock import HybridClock
from field_client.net.api import Answer
from field_client.sender import Sender


class SenderTest(unittest.TestCase):
    def test_a_request_that_waits_for_results_does_not_change_a_clock_that_is_right(self) -> None:
        now = 1_700_000_000_000

        def respond(*_: object, **__: object) -> Answer:
            nonlocal now
            now += 10_000
            return Answer(202, {"serverTime": now})

        clock = HybridClock(lambda: now)
        api = mock.Mock(request=respond)
        sender = Sender(api, "/fields/f", mock.Mock(), SimpleNamespace(clock=clock), mock.Mock(), 1)
        sender._post([{"counter": 1}], "token")
        self.assertEqual(clock.now(), now)
