"""The client and the vectors with a real server, whose address is in FIELD_URL. Registration has to be open."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
import unittest
from pathlib import Path
from typing import Any

from field_client import FieldClient
from field_client.client import outbox_path
from field_client.net.api import Api, ApiError
from field_client.outbox.journal import Journal
from field_client.outbox.store import OutboxStore

from .support import read_vectors

URL = os.environ.get("FIELD_URL", "")
#: In seconds. Machines that run tests may be busy.
PATIENCE = 60.0
VARIABLE = re.compile(r"\{([a-z]+(?: \w+)?)\}")


@unittest.skipUnless(URL, "FIELD_URL is not set")
class LiveTest(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.field = f"python-{secrets.token_hex(4)}"

    def open_client(self, name: str) -> FieldClient:
        client = FieldClient(URL, self.field, self.folder / name)
        self.addCleanup(client.close)
        client.start()
        return client

    def test_exchanges_are_answered_as_in_the_vectors(self) -> None:
        for scenario in read_vectors("exchanges")["scenarios"]:
            with self.subTest(scenario["name"]):
                self.play(scenario)

    def play(self, scenario: dict[str, Any]) -> None:
        api = Api(URL)
        values = {"field": f"python-{secrets.token_hex(4)}"}
        for device in scenario["devices"]:
            body = api.request("/api/devices", body={}).body
            values[f"device {device}"], values[f"token {device}"] = body["deviceId"], body["token"]
        for exchange in scenario["exchanges"]:
            if "text" in exchange or "method" in exchange:
                continue  # This client sends no such requests.
            with self.subTest(exchange["path"]):
                self.exchange(api, exchange, values)

    def exchange(self, api: Api, exchange: dict[str, Any], values: dict[str, str]) -> None:
        expected = exchange["answer"]
        token = values.get(f"token {exchange.get('as')}")
        filled = fill_in({key: exchange.get(key) for key in ("path", "headers", "body")}, values)
        try:
            sent = {"token": token, "headers": filled["headers"], "body": filled["body"]}
            answer = api.request(filled["path"], **sent, timeout=PATIENCE)
            self.assertEqual(answer.status, expected["status"])
            self.compare(answer.body, expected.get("body"), values)
        except ApiError as error:
            self.assertEqual(error.status, expected["status"], error)
            self.assertEqual(error.code, expected["body"]["code"])
            wrong = [each["path"] for each in expected["body"].get("errors", [])]
            self.assertEqual([each["path"] for each in error.errors][: len(wrong)], wrong)

    def compare(self, actual: Any, expected: Any, values: dict[str, str]) -> None:
        """What is expected of an object is that it has these members, perhaps among others."""
        if isinstance(expected, str):
            names = VARIABLE.findall(fill_in(expected, values))
            if names and names[0] not in ("any", "time"):
                values[names[0]] = actual
            if not names:
                self.assertEqual(actual, fill_in(expected, values))
        elif isinstance(expected, dict):
            for key, value in expected.items():
                self.compare(actual[fill_in(key, values)], value, values)
        elif isinstance(expected, list):
            self.assertEqual(len(actual), len(expected))
            for one, other in zip(actual, expected):
                self.compare(one, other, values)
        elif expected is not None:
            self.assertEqual(actual, expected)

    def test_two_clients_see_each_other_and_agree(self) -> None:
        first, second = self.open_client("first"), self.open_client("second")
        entries = [
            first.put_particle("star", position=(1, 2), resonance=0.9, content="é ✨", connections=["a", "b", "c"]),
            second.set_cells({(0, 0): 0.25, (3, 4): 1}),
            second.emit("harmony", 0.5),
            first.put_particle("moon"),
            second.remove_particle("moon"),
        ]
        self.assertIn("star", [particle["id"] for particle in first.state["memoryParticles"]])
        for client in (first, second):
            self.assertTrue(client.wait_until_settled(entries, PATIENCE), [entry.status for entry in entries])
            self.assertTrue(
                client.wait_until(lambda: client.server_state["version"] == 5 and not client.outbox, PATIENCE)
            )
        self.assertEqual(first.state["cells"], {"0,0": 0.25, "3,4": 1})
        both = {first.device, second.device}
        self.assertTrue(first.wait_until(lambda: {each["device"] for each in first.presence.devices} == both, PATIENCE))
        read = Api(URL).request(f"/api/fields/{self.field}", token=first._identity.token()).body
        for client in (first, second):
            for name in ("cursor", "maxTimestamp", "globalResonance", "quantumFields", "cells", "lastUpdate"):
                self.assertEqual(client.state[name], read[name], name)
            particles = {particle["id"]: particle for particle in client.state["memoryParticles"]}
            self.assertEqual(particles, {particle["id"]: particle for particle in read["memoryParticles"]})

    def test_own_edits_are_shown_as_the_server_will_have_them(self) -> None:
        client = self.open_client("first")
        seen = []
        for step in range(6):
            client.put_particle(f"p{step % 3}", position=(step, -step), connections=[f"p{at}" for at in range(3)])
            client.set_cells({(step, 0): step / 20})
            shown = client.state
            self.assertTrue(client.wait_until(lambda: not client.outbox, PATIENCE))
            seen.append((shown["cells"], {each["id"]: each["position"] for each in shown["memoryParticles"]}))
            state = client.server_state
            self.assertEqual(seen[-1], (state["cells"], {p["id"]: p["position"] for p in state["memoryParticles"]}))

    def test_edits_with_counters_that_are_too_far_are_numbered_from_the_last_one(self) -> None:
        store = OutboxStore(Journal(outbox_path(self.folder / "first", URL, self.field, None)))
        store.load()
        store.counter = 1_200_000
        store.save_head()
        store.close()
        client = self.open_client("first")
        entries = [client.set_cells({(at, 0): 0.5}) for at in range(3)]
        self.assertTrue(client.wait_until_settled(entries, PATIENCE), [entry.status for entry in entries])
        self.assertEqual([(entry.counter, entry.status) for entry in entries], [(at, "applied") for at in (1, 2, 3)])


def fill_in(value: Any, values: dict[str, str]) -> Any:
    """Replaces the variables that are bound."""
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: values.get(match[1], match[0]), value)
    if isinstance(value, dict):
        return {fill_in(key, values): fill_in(item, values) for key, item in value.items()}
    return [fill_in(item, values) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    unittest.main()
