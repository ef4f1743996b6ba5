"""A hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014)."""

from __future__ import annotations

import time
from typing import Callable


def wall_clock() -> int:
    """The time of day in ms."""
    return int(time.time() * 1000)


class HybridClock:
    """The device's wall clock, corrected by the server's, and always above every timestamp seen.

    The wall clock may be hours off, and may jump.
    """

    def __init__(self, wall: Callable[[], int] = wall_clock) -> None:
        self._wall = wall
        self._offset = 0
        #: The highest timestamp seen.
        self.highest = 0

    def wall_time(self) -> int:
        """The device's own clock, uncorrected."""
        return self._wall()

    def now(self) -> int:
        """The best estimate of the server's time."""
        return self._wall() + self._offset

    def correct(self, server_time: int, sent_at: int) -> None:
        """Adjusts the clock by the time in a response that has just arrived.

        :param sent_at: when the request was sent, by `wall_time()`
        """
        received = self._wall()
        # If the wall clock was set back in the meantime, the round trip is unknown.
        one_way = max(0, received - sent_at) / 2
        self._offset = round(server_time + one_way - received)

    def observe(self, timestamp: int) -> None:
        """Takes note of a timestamp."""
        self.highest = max(self.highest, timestamp)

    def next(self) -> int:
        """The timestamp of a new update."""
        return max(0, self.now(), self.highest + 1)

    def restamp(self, created_at: int, above: int) -> int:
        """The timestamp of an update when it is first sent, when the server's time is known better than at its
        creation.

        :param created_at: when the update was made, by `wall_time()`
        :param above: the result is higher than this
        """
        return max(0, above + 1, min(created_at + self._offset, self.now()))
