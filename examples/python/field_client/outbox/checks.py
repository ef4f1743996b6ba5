"""Questions to the server about the past of a device, which are answered before its updates are sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Callable

from ..history import version_of
from ..net.api import ApiError

JsonObject = dict[str, Any]
#: A GET of a path below the field, with the device's token.
Read = Callable[[str], JsonObject]
#: The field is gone, has another history, or its log is not kept that far back, so that nobody can tell.
_UNKNOWN = ("field_not_found", "cursor_unknown", "version_not_kept")
#: How often receipts are asked for while acknowledged updates wait in the server's queue.
_MAX_ATTEMPTS = 30


def read_counter(read: Read, device: str) -> int:
    """The highest counter that the server knows of a device; 0 if it knows none."""
    try:
        return int(read(f"/clock?device={device}")["clock"].get(device, 0))
    except ApiError as error:
        # A field is created by its first update.
        if error.code != "field_not_found":
            raise
        return 0


def is_in_log(read: Read, cursor: str) -> bool:
    """Whether the log of the field has a cursor."""
    if version_of(cursor) == 0:
        return True
    try:
        read(f"/updates?after={cursor}&limit=1")
        return True
    except ApiError as error:
        if error.code not in _UNKNOWN:
            raise
        return False


class HistoryCheck:
    """Finds out whether the log still has cursors, where no message of the stream shows it."""

    def __init__(self) -> None:
        self._cursors: dict[str, None] = {}
        self._is_paused = False
        #: Whether there is something to ask.
        self.is_due = False

    def request(self, cursors: Iterable[str]) -> None:
        """Asks for these before updates are sent."""
        self._cursors.update(dict.fromkeys(cursors))
        if not self._is_paused:
            self.retry()

    def retry(self) -> None:
        """To be called from time to time: a question that failed, or came after a loss, is due again."""
        self._is_paused = False
        self.is_due = bool(self._cursors)

    def cancel(self) -> None:
        """The answer is known."""
        self._cursors = {}
        self.is_due = False

    def take(self) -> list[str]:
        """What to ask for now."""
        self.is_due = False
        return list(self._cursors)

    def record_loss(self) -> None:
        """A cursor is not in the log. Results are new after that: further questions wait for the next `retry`."""
        self.cancel()
        self._is_paused = True


class ReceiptCheck:
    """Finds out which updates were applied as a device, before they are sent as another one or under other counters.

    The server would apply the same updates a second time. Answers are kept until all are known: the server limits how
    many it gives in a minute, and an attempt that asked for all of them again might never reach the last ones.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._attempts = 0
        #: By counter: receipts, and the results that follow from them, with None for what was not applied.
        self._receipts: dict[int, JsonObject] = {}
        self._results: dict[int, JsonObject | None] = {}

    def find_results(
        self, read: Read, maybe_sent: list[JsonObject], accepted: Iterable[int], cursor: str
    ) -> list[JsonObject]:
        """The results of the updates that were applied as the device. Raises ApiError if that is not known yet.

        The next attempt continues where this one has failed.

        :param maybe_sent: the updates that the server may have
        :param accepted: the counters of those that it has acknowledged
        :param cursor: of the client's state
        """
        for update in maybe_sent:
            if update["counter"] not in self._results:
                self._results[update["counter"]] = self._find(read, update, cursor)
        results = [result for update in maybe_sent for result in [self._results[update["counter"]]] if result]
        self._attempts += 1
        missing = set(accepted) - {result["counter"] for result in results}
        if missing and self._attempts < _MAX_ATTEMPTS:
            for counter in missing:
                self._receipts.pop(counter, None)
                self._results.pop(counter, None)
            raise ApiError("receipts_pending", "Updates that were accepted earlier are not applied yet", retry_after=1)
        return results

    def _find(self, read: Read, update: JsonObject, cursor: str) -> JsonObject | None:
        counter = update["counter"]
        if counter not in self._receipts:
            self._receipts[counter] = read(f"/updates/{self._device}/{counter}")
        receipt = self._receipts[counter]
        if receipt["status"] != "applied":
            return None
        if "version" not in receipt:
            # Applied so long ago that the log no longer has it.
            return {"counter": counter, "outcome": "duplicate", "version": version_of(cursor), "cursor": cursor}
        page = read(f"/updates?after={receipt['version'] - 1}&limit=1")
        # The storage may be a copy, and the counter that of another update.
        if not page["updates"] or _content(page["updates"][0].get("update", {})) != _content(update):
            return None
        names = ("counter", "outcome", "version", "cursor", "resolution")
        return {name: receipt[name] for name in names if name in receipt}


def _content(update: JsonObject) -> JsonObject:
    """What an update changes, as the server stores it."""
    content = {key: value for key, value in update.items() if key not in ("counter", "timestamp", "seen", "clock")}
    for name in ("position", "velocity"):
        if name in content:
            content[name] = {"z": 0, **content[name]}
    return content
