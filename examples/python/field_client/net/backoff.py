"""Pauses between attempts: exponential backoff with full jitter, added to what the server asks for."""

from __future__ import annotations

import random
from threading import Event

_BASE_SECONDS = 0.5


class Backoff:
    """One for each thing that is retried."""

    def __init__(self, stop: Event, max_seconds: float = 30.0) -> None:
        self._stop = stop
        self._max_seconds = max_seconds
        self._failures = 0

    def reset(self) -> None:
        """To be called after success: the next pause is short again."""
        self._failures = 0

    def wait(self, retry_after: float = 0) -> None:
        """Waits; less if the client is stopped."""
        longest = min(self._max_seconds, _BASE_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 6)
        self._stop.wait(retry_after + random.random() * longest)
