"""The merge rules and the dynamics, by the vectors and by the hashes of recorded logs."""

from __future__ import annotations

import gzip
import hashlib
import json
import unittest
from typing import Any

from field_client.history import canonical_json
from field_client.merge.dynamics import compute_metrics
from field_client.merge.fold import FoldResult, fold_update, purge_tombstones
from field_client.merge.state import FieldState

from .support import ROOT, describe_registers, describe_state, expand_log, read_vectors


def fold_entry(state: FieldState, entry: dict[str, Any]) -> FoldResult:
    result = fold_update(state, entry["device"], entry["update"], entry["time"])
    if "sweepThrough" in entry:
        purge_tombstones(state, entry["sweepThrough"])
    return result


def describe_result(result: FoldResult) -> dict[str, Any]:
    conflict = {"resolution": result.resolution, "conflicts": result.conflicts} if result.resolution else {}
    return {"outcome": result.outcome, **conflict}


class RulesTest(unittest.TestCase):
    maxDiff = None

    def fold(self, log: list[dict[str, Any]]) -> FieldState:
        state = FieldState()
        for entry in expand_log(log):
            fold_entry(state, entry)
        return state

    def test_every_update_has_the_outcome_of_the_server_and_leaves_the_same_registers(self) -> None:
        for case in read_vectors("merge")["cases"]:
            with self.subTest(case["name"]):
                state = FieldState()
                results = [describe_result(fold_entry(state, entry)) for entry in expand_log(case["log"])]
                self.assertEqual(results, case["results"])
                registers = {**describe_registers(state), "maxTimestamp": state.dynamics.max_timestamp}
                self.assertEqual(registers, case["state"])

    def test_whole_logs_give_the_same_state(self) -> None:
        for case in read_vectors("merge")["logs"]:
            with self.subTest(case["name"]):
                state = FieldState()
                results = [describe_result(fold_entry(state, entry)) for entry in expand_log(case["log"])]
                self.assertEqual(results, case["results"])
                self.assertEqual(describe_state(state), case["state"])

    def test_the_same_particles_are_evicted(self) -> None:
        for case in read_vectors("merge")["evictions"]:
            with self.subTest(case["name"]):
                state = self.fold(case["log"])
                self.assertEqual(list(state.particles), case["particles"])
                self.assertEqual(state.dynamics.evicted_at, case["evictedAt"])

    def test_every_update_moves_the_gauges_in_the_same_way(self) -> None:
        for case in read_vectors("dynamics")["cases"]:
            with self.subTest(case["name"]):
                state = FieldState()
                for at, step in enumerate(case["steps"]):
                    fold_entry(state, step)
                    self.assertEqual(compute_metrics(state), step["metrics"], at)
                    self.assertEqual(state.quantum_fields, step["quantumFields"], at)

    def test_recorded_logs_give_the_hashes_that_every_engine_gives(self) -> None:
        golden = json.loads((ROOT / "test" / "golden" / "hashes.json").read_text("utf-8"))
        data = ROOT / "test" / "data"
        logs = {
            "earthquakes": (data / "earthquakes.ndjson").read_bytes(),
            "concurrentCells": gzip.decompress((data / "concurrent-cells.ndjson.gz").read_bytes()),
        }
        for name, text in logs.items():
            state = FieldState()
            for line in text.decode("utf-8").splitlines():
                update = json.loads(line)
                fold_update(state, update["device"], update, update["timestamp"])
                if str(state.version) in golden[name]:
                    with self.subTest(log=name, version=state.version):
                        whole = {key: value for key, value in describe_state(state).items() if key != "metrics"}
                        digest = hashlib.sha256(canonical_json(whole).encode("utf-8")).hexdigest()
                        self.assertEqual(digest, golden[name][str(state.version)]["state"])


if __name__ == "__main__":
    unittest.main()
