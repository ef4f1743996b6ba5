"""The dynamics: how particles and events move metrics and quantum fields. There is no clock but the log's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Callable

from .numbers import add_up, clamp_finite, clamp_unit, halve_power, sine
from .particles import Derived
from .state import DEFAULT_HARMONICS, PRIMARY_FIELD, FieldState, JsonObject

_HALF_LIFE_MS = 60_000
_BLOOM_COOLDOWN_MS = 60_000
_BLOOM_THRESHOLD = 0.9
_PORTAL_THRESHOLD = 0.8


def compute_metrics(state: FieldState) -> JsonObject:
    """The metrics as of the last update."""
    mean = mean_resonance(state)
    resonance, intelligence, _ = compute_boosts(state)
    base = 0.3 if mean is None else min(1, mean * len(state.particles) / 100)
    return {
        "globalResonance": _global_resonance(mean, resonance),
        "collectiveIntelligence": clamp_unit(base + intelligence),
        "room64Active": state.dynamics.room64_active,
        "lastUpdate": state.time,
    }


def mean_resonance(state: FieldState) -> float | None:
    """The mean of the shown resonances; None while there are no particles."""
    particles = state.particles.values()
    return add_up(particle.derived.resonance for particle in particles) / len(particles) if particles else None


def compute_boosts(state: FieldState) -> tuple[float, float, float]:
    """What events have added to resonance, intelligence and entanglement, and is left at the log time of the state."""
    dynamics = state.dynamics
    factor = halve_power(max(0, state.time - dynamics.boosted_at) / _HALF_LIFE_MS)
    return (
        dynamics.resonance_boost * factor,
        dynamics.intelligence_boost * factor,
        dynamics.entanglement_boost * factor,
    )


def connected_share(state: FieldState) -> float:
    """The share of particles with a connection that both of its particles declare."""
    if not state.particles:
        return 0
    declared = {name: set(particle.derived.connections) for name, particle in state.particles.items()}
    connected = 0
    for name, targets in declared.items():
        connected += any(other != name and name in declared.get(other, ()) for other in targets)
    return connected / len(declared)


def step_quantum_fields(state: FieldState) -> None:
    """Moves every quantum field by one step, as each update of a particle does."""
    shown = [particle.derived for particle in state.particles.values()]
    resonance = add_up(derived.resonance for derived in shown)
    kinetic = clamp_finite(add_up(derived.kinetic for derived in shown))
    entanglement = _entanglement(state)

    def step(field: JsonObject) -> JsonObject:
        # A harmonic of 0 counts as missing.
        phase = sine(field["harmonics"][0] or 1)
        lagrangian = kinetic - field["strength"] * phase * resonance
        strength = clamp_unit(field["strength"] + 0.01 * lagrangian)
        coherence = clamp_unit(field["coherence"] + (0.05 if lagrangian > 0 else -0.02))
        is_sacred = coherence > 0.8 and len(shown) > 7
        return {
            **field,
            "strength": strength,
            "coherence": coherence,
            "entanglement": entanglement,
            "sacredGeometry": is_sacred,
            "portalStability": min(1, coherence * strength * len(shown) / 10) if is_sacred else 0,
            "harmonics": _primary_harmonics(shown) if field["id"] == PRIMARY_FIELD else field["harmonics"],
        }

    state.quantum_fields = [step(field) for field in state.quantum_fields]
    state.dynamics.room64_active = _is_portal_stable(state)


def apply_event(state: FieldState, event: Mapping[str, Any]) -> None:
    """Applies an event at the log time of the state."""
    _EFFECTS[event["type"]](state, event.get("intensity"))
    entanglement = _entanglement(state)
    _change_fields(state, lambda field: {"entanglement": entanglement})


def _entanglement(state: FieldState) -> float:
    return clamp_unit(connected_share(state) + compute_boosts(state)[2])


def _global_resonance(mean: float | None, boost: float) -> float:
    return clamp_unit((0.5 if mean is None else mean) + boost)


def _primary_harmonics(shown: list[Derived]) -> list[float]:
    harmonics = []
    for derived in [derived for derived in shown if derived.crystallized][:7]:
        x, y, z = derived.position
        harmonics.append(clamp_finite(math.sqrt(x * x + y * y + z * z) * derived.resonance))
    return harmonics or DEFAULT_HARMONICS


def _is_portal_stable(state: FieldState) -> bool:
    return any(field["portalStability"] > _PORTAL_THRESHOLD for field in state.quantum_fields)


def _change_fields(state: FieldState, change: Callable[[JsonObject], JsonObject]) -> None:
    state.quantum_fields = [{**field, **change(field)} for field in state.quantum_fields]


def _set_boosts(state: FieldState, resonance: float, intelligence: float, entanglement: float) -> None:
    dynamics = state.dynamics
    dynamics.resonance_boost = resonance
    dynamics.intelligence_boost = intelligence
    dynamics.entanglement_boost = entanglement
    dynamics.boosted_at = state.time


def _add_boosts(state: FieldState, resonance: float = 0, intelligence: float = 0, entanglement: float = 0) -> None:
    left = compute_boosts(state)
    _set_boosts(state, left[0] + resonance, left[1] + intelligence, left[2] + entanglement)


def _resonate(state: FieldState, intensity: float | None) -> None:
    mean = mean_resonance(state)
    before = _global_resonance(mean, compute_boosts(state)[0])
    _add_boosts(state, resonance=0.1 if intensity is None else intensity)
    after = _global_resonance(mean, state.dynamics.resonance_boost)
    bloomed_at = state.dynamics.bloomed_at
    is_due = bloomed_at == 0 or state.time - bloomed_at >= _BLOOM_COOLDOWN_MS
    if before <= _BLOOM_THRESHOLD < after and is_due:
        state.dynamics.bloomed_at = state.time
        _bloom(state, None)


def _entangle(state: FieldState, intensity: float | None) -> None:
    added = 0.05 if intensity is None else intensity
    _add_boosts(state, intelligence=added, entanglement=added)


def _awaken(state: FieldState, _: float | None) -> None:
    _add_boosts(state, resonance=0.2, intelligence=0.15)


def _bloom(state: FieldState, _: float | None) -> None:
    _add_boosts(state, resonance=0.1, intelligence=0.1)
    _change_fields(
        state,
        lambda field: {
            "strength": clamp_unit(field["strength"] + 0.1),
            "coherence": clamp_unit(field["coherence"] + 0.1),
            "portalStability": clamp_unit(field["portalStability"] + 0.05),
        },
    )
    if _is_portal_stable(state):
        state.dynamics.room64_active = True


def _crystallize(state: FieldState, _: float | None) -> None:
    _change_fields(
        state,
        lambda field: {
            "strength": clamp_unit(field["strength"] + 0.05),
            "coherence": clamp_unit(field["coherence"] + 0.03),
        },
    )


def _remember(state: FieldState, _: float | None) -> None:
    _change_fields(state, lambda field: {"archaeologicalLayers": field["archaeologicalLayers"] + 1})


def _harmonize(state: FieldState, _: float | None) -> None:
    state.dynamics.harmonies += 1
    is_eighth = state.dynamics.harmonies >= 8
    _change_fields(
        state,
        lambda field: {
            "harmonics": [clamp_finite(harmonic * 1.1) for harmonic in field["harmonics"]],
            "sacredGeometry": field["sacredGeometry"] or is_eighth,
        },
    )


def _open_portal(state: FieldState, intensity: float | None) -> None:
    if intensity is not None and intensity > _PORTAL_THRESHOLD:
        state.dynamics.room64_active = True


def _enter_void(state: FieldState, _: float | None) -> None:
    resonance, intelligence, entanglement = compute_boosts(state)
    _set_boosts(state, resonance * 0.8, intelligence * 0.8, entanglement * 0.8)
    state.dynamics.room64_active = False


_EFFECTS: dict[str, Callable[[FieldState, float | None], None]] = {
    "resonance": _resonate,
    "entanglement": _entangle,
    "awakening": _awaken,
    "bloom": _bloom,
    "crystallization": _crystallize,
    "memory": _remember,
    "harmony": _harmonize,
    "portal": _open_portal,
    "void": _enter_void,
}
