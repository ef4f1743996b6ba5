"""A client with a server that fails when a test wants it to."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable
from unittest import mock

from field_client import ApiError, Entry, FieldClient

from .fake_server import FakeServer

PATIENCE = 30.0


class ClientCase(unittest.TestCase):
    """Tests of the whole client."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "data"
        sync = mock.patch("os.fsync")
        sync.start()
        self.addCleanup(sync.stop)
        self.server = FakeServer()
        self.addCleanup(self.server.stop)
        self.problems: list[str] = []
        # An error in a thread would otherwise be printed only.
        crashes = mock.patch("threading.excepthook")
        self.crash = crashes.start()
        self.addCleanup(crashes.stop)
        self.addCleanup(lambda: self.crash.assert_not_called())

    def open(self, folder: Path | None = None, **options: Any) -> FieldClient:
        def record(error: Exception) -> None:
            self.problems.append(error.code if isinstance(error, ApiError) else type(error).__name__)

        client = FieldClient(self.server.url, "f", folder or self.folder, on_problem=record, max_pause=0.05, **options)
        self.addCleanup(client.close)
        client.start()
        return client

    def settle(self, client: FieldClient, *entries: Entry) -> None:
        self.assertTrue(client.wait_until_settled(entries, PATIENCE), self.problems)

    def wait(self, client: FieldClient, condition: Callable[[], bool]) -> None:
        self.assertTrue(client.wait_until(condition, PATIENCE), self.problems)

    def values(self) -> list[float]:
        """What was applied, in the order of the log."""
        return [entry.update["cells"][0]["value"] for entry in self.server.log]
