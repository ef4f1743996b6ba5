"""A device of the fault harness: the client in Python, driven by lines of JSON.

Commands on standard input: `write {content}`, `view {}`. Events on standard output: `sending {updates}` before a request,
and `answered {counters, status, durability, reused}` or `failed {status, detail}` after it; `unknownCursor {cursor}`;
`written {}` and `view {view}` after a command; `outbox {unsettled, cursor}` whenever something has changed. The process ends
when standard input does.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from pathlib import Path
from typing import Any

from field_client import ApiError, FieldClient
from field_client.clock import wall_clock
from field_client.net.api import Answer, Api

#: In seconds. Devices of the harness try again sooner than real ones.
MAX_PAUSE = 1.0


class Reporter:
    """Prints events, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def report(self, event: str, **values: Any) -> None:
        with self._lock:
            print(json.dumps({"event": event, **values}), flush=True)

    def report_outbox(self, client: FieldClient) -> tuple[int, str]:
        """Computed and printed in one step, so that the last line is the newest."""
        with self._lock:
            described = (len(client.outbox), client.server_state["cursor"])
            self.report("outbox", unsettled=described[0], cursor=described[1])
            return described


class ReportingApi(Api):
    """Reports requests with updates. Each connection goes to another API process."""

    def __init__(self, addresses: list[str], reporter: Reporter) -> None:
        super().__init__(addresses[0])
        self._apis = [Api(address) for address in addresses]
        self._reporter = reporter

    def connect(self, timeout: float) -> Any:
        return random.choice(self._apis).connect(timeout)

    def request(self, path: str, *, body: Any = None, **more: Any) -> Answer:
        if body is None:
            return super().request(path, **more)
        self._reporter.report("sending", updates=body["updates"])
        try:
            answer = super().request(path, body=body, **more)
        except ApiError as error:
            self._reporter.report("failed", status=error.status, detail=str(error))
            raise
        self._reporter.report(
            "answered",
            counters=[update["counter"] for update in body["updates"]],
            status=answer.status,
            durability=answer.body.get("durability", "applied"),
            reused=[each["counter"] for each in answer.body.get("results", []) if each["outcome"] == "reused"],
        )
        return answer


def main() -> None:
    options = json.loads(sys.argv[1])
    reporter = Reporter()

    def handle(message: dict[str, Any]) -> None:
        if message.get("reason") == "unknown-cursor":
            reporter.report("unknownCursor", cursor=message["cursor"])

    client = FieldClient(
        options["addresses"][0],
        options["field"],
        Path(options["folder"]),
        token=options["token"],
        on_message=handle,
        max_pause=MAX_PAUSE,
        wall=lambda: wall_clock() + options["skewMs"],
        create_api=lambda _: ReportingApi(options["addresses"], reporter),
    )
    client.start()

    def follow() -> None:
        last = reporter.report_outbox(client)
        while True:
            client.wait_until(lambda: (len(client.outbox), client.server_state["cursor"]) != last)
            last = reporter.report_outbox(client)

    threading.Thread(target=follow, daemon=True).start()
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "write":
            client.add(command["content"])
            reporter.report_outbox(client)
            reporter.report("written")
        else:
            reporter.report("view", view=client.state)


main()
