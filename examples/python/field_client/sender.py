"""Sends due updates from a thread of its own, one request at a time and in order, until each is settled or refused."""

from __future__ import annotations

import re
import threading
from typing import Any, Callable

from .net.api import TIMEOUT, Answer, Api, ApiError
from .net.backoff import Backoff
from .net.identity import Identity
from .outbox.checks import ReceiptCheck, is_in_log, read_counter
from .synchronizer import Synchronizer
from .validation import MAX_UPDATES

JsonObject = dict[str, Any]
#: A quarter of what the server accepts: over a slow link, a request has to be sent within its time.
_MAX_BYTES = 256 * 1024
#: How many seconds a request waits for its results. The server says so at once if it takes longer.
_WAIT_SECONDS = 10
_TICK_SECONDS = 1.0
_STOP_SECONDS = 2.0
_PATH = re.compile(r"/updates/(\d+)")


class Sender:
    """The thread that sends. Everything that it learns goes to the synchronizer."""

    def __init__(
        self,
        api: Api,
        path: str,
        identity: Identity,
        synchronizer: Synchronizer,
        on_problem: Callable[[Exception], None],
        max_pause: float,
    ) -> None:
        """
        :param path: of the field
        :param on_problem: called from the thread with what is retried
        :param max_pause: the longest pause between two attempts, in seconds
        """
        self._api = api
        self._path = path
        self._identity = identity
        self._synchronizer = synchronizer
        self._on_problem = on_problem
        self._stopped = threading.Event()
        self._backoff = Backoff(self._stopped, max_pause)
        self._former: ReceiptCheck | None = None
        #: The first counter that the server has refused as too far above its last one, until lower ones are given.
        self._too_far: int | None = None
        self._receipts: ReceiptCheck | None = None
        #: Updates in a request: fewer while searching for one that makes the server refuse all of them.
        self._batch_size = MAX_UPDATES
        self._thread = threading.Thread(target=self._run, name="field-sender", daemon=True)

    def start(self) -> None:
        """Sends what is due, and what will be."""
        self._thread.start()

    def stop(self) -> None:
        """Sends nothing any more. A request that is in flight is not awaited for long: it will be sent again."""
        self._stopped.set()
        self._synchronizer.notify()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                is_due = self._synchronizer.wait_until_due(_TICK_SECONDS)
                self._synchronizer.tick()
                if is_due and not self._stopped.is_set():
                    self._send_next()
                    self._backoff.reset()
            except (ApiError, OSError) as error:
                self._on_problem(error)
                self._backoff.wait(getattr(error, "retry_after", 0))
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                self._on_problem(ApiError("network", f"An answer of the server was not understood: {error!r}"))
                self._backoff.wait()

    def _send_next(self) -> None:
        token = self._identity.token()
        device = self._identity.device

        def read(path: str) -> JsonObject:
            return self._api.request(self._path + path, token=token).body

        try:
            if device is not None:
                self._settle_former_device(read, device)
                self._synchronizer.compare_counter(lambda: read_counter(read, device))
                self._lower_counters(read, device)
            self._check_history(read)
            self._send_batch(token, device)
        except ApiError as error:
            if error.is_about_token:
                self._identity.reject(token)
            raise

    def _settle_former_device(self, read: Callable[[str], JsonObject], device: str) -> None:
        former = self._synchronizer.former_device(device)
        if former is None:
            return
        name, maybe_sent, accepted = former
        self._former = self._former or ReceiptCheck(name)
        results = self._former.find_results(read, maybe_sent, accepted, self._synchronizer.replica.cursor)
        self._synchronizer.adopt_outbox(device, name, results)
        self._former = None
        # What was refused were the counters of the former device.
        self._too_far = self._receipts = None

    def _lower_counters(self, read: Callable[[str], JsonObject], device: str) -> None:
        first = self._too_far
        if first is None:
            return
        maybe_sent, accepted = self._synchronizer.maybe_sent(first)
        self._receipts = self._receipts or ReceiptCheck(device)
        results = self._receipts.find_results(read, maybe_sent, accepted, self._synchronizer.replica.cursor)
        self._synchronizer.lower_counters(device, first, read_counter(read, device), maybe_sent, results)
        self._too_far = self._receipts = None

    def _check_history(self, read: Callable[[str], JsonObject]) -> None:
        cursors = self._synchronizer.cursors_to_check()
        lost = next((cursor for cursor in cursors if not is_in_log(read, cursor)), None)
        if cursors:
            self._synchronizer.record_check(cursors, lost)

    def _send_batch(self, token: str, device: str | None) -> None:
        updates = self._synchronizer.next_batch(self._batch_size, _MAX_BYTES)
        if not updates:
            return
        try:
            answer = self._post(updates, token)
        except ApiError as error:
            if error.is_about_counters:
                self._refuse_counters(updates, error)
            if not error.is_about_content:
                raise
            self._refuse(updates, error)
            return
        self._batch_size = min(MAX_UPDATES, self._batch_size * 2)
        if answer.status == 200:
            self._synchronizer.handle_results(answer.body, device)
        else:
            self._synchronizer.handle_acceptance([update["counter"] for update in updates])

    def _post(self, updates: list[JsonObject], token: str) -> Answer:
        answer = self._api.request(
            self._path + "/updates",
            token=token,
            body={"updates": updates},
            headers={"prefer": f"wait={_WAIT_SECONDS}"},
            timeout=TIMEOUT + _WAIT_SECONDS,
        )
        # The request may have waited for results, so the delay of the network is unknown.
        clock = self._synchronizer.clock
        clock.correct(int(answer.body["serverTime"]), sent_at=clock.wall_time())
        return answer

    def _refuse(self, updates: list[JsonObject], error: ApiError) -> None:
        """The server refuses a request as a whole. It names the invalid updates, or halves of the request find them."""
        wrong = {updates[at]["counter"]: reason for at, reason in _find_named(updates, error).items()}
        if not wrong and len(updates) == 1:
            wrong[updates[0]["counter"]] = str(error)
        if wrong:
            self._synchronizer.refuse(wrong)
        else:
            self._batch_size = (len(updates) + 1) // 2

    def _refuse_counters(self, updates: list[JsonObject], error: ApiError) -> None:
        """The server names the first update that is too far above its last one. Those before are sent without it."""
        self._synchronizer.mark_unsent(update["counter"] for update in updates)
        at = min(_find_named(updates, error), default=0)
        if at > 0:
            self._batch_size = at
        else:
            self._too_far = updates[0]["counter"]


def _find_named(updates: list[JsonObject], error: ApiError) -> dict[int, str]:
    """What is wrong with the updates that an error names, by their places in the request."""
    named: dict[int, str] = {}
    for each in error.errors:
        match = _PATH.match(each.get("path", ""))
        if match and int(match[1]) < len(updates):
            named[int(match[1])] = f"{each['path'][match.end() :]} {each.get('message', '')}".strip()
    return named
