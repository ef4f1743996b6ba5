"""Reads the conformance vectors, and renders states in their format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from field_client.merge.dynamics import compute_metrics
from field_client.merge.particles import ATTRIBUTES, Particle, render_attribute
from field_client.merge.registers import Stamp
from field_client.merge.state import FieldState

ROOT = Path(__file__).resolve().parents[3]
FORMAT = 1
RULES = 2


def read_vectors(kind: str) -> dict[str, Any]:
    """One file of docs/vectors. Other formats and rules are refused."""
    vectors = json.loads((ROOT / "docs" / "vectors" / f"{kind}.json").read_text("utf-8"))
    if (vectors["format"], vectors["rules"]) != (FORMAT, RULES):
        raise ValueError(f"{kind}.json has another format or other rules than this client")
    return vectors


def expand_log(lines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The entries of a log, in which one line may stand for many."""
    for line in lines:
        for n in range(line.get("repeat", 1)):
            update = dict(line["update"])
            update["counter"] += n
            update["timestamp"] += n
            if "id" in update:
                update["id"] = update["id"].replace("{n}", str(n))
            if "content" in update:
                update["content"] *= line.get("times", 1)
            yield {**line, "update": update, "time": line["time"] + n}


def describe_registers(state: FieldState) -> dict[str, Any]:
    """Particles, tombstones and cells with their stamps, as stored snapshots have them."""
    particles = [*state.particles.values(), *state.tombstones.values()]
    cells = sorted((*map(int, name.split(",")), register) for name, register in state.cells.items())
    return {
        "particles": [_describe_particle(particle) for particle in particles],
        "cells": [[x, y, register.value, *register.stamp] for x, y, register in cells],
    }


def describe_state(state: FieldState) -> dict[str, Any]:
    """The whole state."""
    return {
        "version": state.version,
        "time": state.time,
        **describe_registers(state),
        "quantumFields": state.quantum_fields,
        "dynamics": {_camel_case(name): value for name, value in asdict(state.dynamics).items()},
        "metrics": compute_metrics(state),
    }


def _describe_particle(particle: Particle) -> dict[str, Any]:
    writes: dict[Stamp, list[str]] = {}
    registers = {"exists": particle.exists, **{name: particle.attributes.get(name) for name in ATTRIBUTES}}
    for name, register in registers.items():
        if register:
            writes.setdefault(register.stamp, []).append(name)
    values = {
        name: render_attribute(name, register.value)
        for name, register in registers.items()
        if register and name != "exists" and register.value is not None
    }
    return {
        "id": particle.id,
        "exists": bool(particle.exists and particle.exists.value),
        "created": particle.created,
        **values,
        "writes": [{"stamp": list(stamp), "registers": names} for stamp, names in writes.items()],
    }


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
