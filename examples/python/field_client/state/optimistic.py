"""The optimistic state: the server's state with own pending updates merged into it, by the server's rules.

An own update is merged as if its device had seen every other update, so that it stays visible until the server has
applied it. The server does not publish the stamps of values. They are not needed for this, because own counters order
own updates.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..merge.dynamics import compute_metrics, connected_share, mean_resonance
from ..merge.fold import fold_update
from ..merge.particles import Particle, parse_attribute
from ..merge.registers import Register, Stamp
from ..merge.state import FieldState, view_particle

JsonObject = dict[str, Any]


def show_pending(server: JsonObject, device: str, pending: list[JsonObject]) -> JsonObject:
    """What the app shows.

    :param server: the state that the server has sent
    :param pending: the own updates that it does not contain, in the order of their counters
    """
    if not pending:
        return server
    draft = _to_field_state(server)
    particles: set[str] = set()
    cells: set[str] = set()
    moves_gauges = False
    for update in pending:
        if update["kind"] != "cells.set" and not moves_gauges:
            _estimate_entanglement_boost(draft)
            moves_gauges = True
        result = fold_update(draft, device, {**update, "seen": draft.version}, update["timestamp"])
        particles |= result.particles
        cells |= result.cells
    view = {**server, "cells": {**server["cells"], **{cell: draft.cells[cell].value for cell in cells}}}
    if not moves_gauges:
        return view
    unchanged = {particle["id"]: particle for particle in server["memoryParticles"] if particle["id"] not in particles}
    shown = [unchanged.get(particle.id) or view_particle(particle) for particle in draft.particles.values()]
    return {
        **view,
        **compute_metrics(draft),
        "lastUpdate": server["lastUpdate"],
        "quantumFields": draft.quantum_fields,
        "memoryParticles": shown,
    }


def _to_field_state(server: Mapping[str, Any]) -> FieldState:
    state = FieldState(
        version=server["version"], time=server["lastUpdate"], quantum_fields=list(server["quantumFields"])
    )
    state.particles = {view["id"]: _to_particle(view) for view in server["memoryParticles"]}
    # The server does not publish the boosts by events: they are what the metrics exceed the particles' own metrics by.
    base = compute_metrics(state)
    mean = mean_resonance(state)
    dynamics = state.dynamics
    dynamics.resonance_boost = server["globalResonance"] - (base["globalResonance"] if mean is None else mean)
    dynamics.intelligence_boost = server["collectiveIntelligence"] - base["collectiveIntelligence"]
    dynamics.boosted_at = server["lastUpdate"]
    # Nor the time of the last bloom. Assuming a recent one predicts no bloom, so that none has to be undone.
    dynamics.bloomed_at = server["lastUpdate"]
    dynamics.room64_active = server["room64Active"]
    return state


def _estimate_entanglement_boost(state: FieldState) -> None:
    entanglement = state.quantum_fields[0]["entanglement"] if state.quantum_fields else 0
    state.dynamics.entanglement_boost = max(0, entanglement - connected_share(state))


def _to_particle(view: Mapping[str, Any]) -> Particle:
    """Inverts what readers see of a crystallized particle: resonance + 0.1, half the velocity, resonance above 0.7."""
    stamp = Stamp(view["timestamp"], view["device"], 0, 0)
    x, y, z = parse_attribute("velocity", view["velocity"])
    resonance = parse_attribute("resonance", view["resonance"])
    is_crystallized = view["crystallized"]
    values = {
        "position": parse_attribute("position", view["position"]),
        "connections": parse_attribute("connections", view["connections"]),
        "content": view.get("content"),
        "velocity": (x * 2, y * 2, z * 2) if is_crystallized else (x, y, z),
        "resonance": max(0.7 + sys.float_info.epsilon, resonance - 0.1) if is_crystallized else resonance,
    }
    particle = Particle(view["id"])
    particle.exists = Register(True, stamp)
    for name, value in values.items():
        if value is not None:
            particle.set(name, Register(value, stamp))
    return particle
