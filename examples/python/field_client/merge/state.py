"""The state of a field that the fold works on, and how clients see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .particles import Particle, render_attribute
from .registers import Register

JsonObject = dict[str, Any]
DEFAULT_HARMONICS = [1, 1.618, 2.414]
PRIMARY_FIELD = "primary-field"


@dataclass
class Dynamics:
    """Numbers that updates, evictions and purges accumulate. Times are log times in ms."""

    #: What events have added, as of `boosted_at`. Halves every 60 s of log time.
    resonance_boost: float = 0
    intelligence_boost: float = 0
    entanglement_boost: float = 0
    boosted_at: int = 0
    room64_active: bool = False
    #: The number of harmony events.
    harmonies: int = 0
    #: When a resonance event last triggered a bloom; 0 for never.
    bloomed_at: int = 0
    #: The last version that evicted particles.
    evicted_at: int = 0
    #: Tombstones of removals up to this version were purged.
    swept_through: int = 0
    #: The highest timestamp that any register has ever had.
    max_timestamp: int = 0


def primary_field() -> JsonObject:
    """The quantum field that every field starts with."""
    return {
        "id": PRIMARY_FIELD,
        "strength": 0.5,
        "coherence": 0.3,
        "entanglement": 0,
        "harmonics": DEFAULT_HARMONICS,
        "sacredGeometry": False,
        "portalStability": 0,
        "archaeologicalLayers": 1,
    }


@dataclass
class FieldState:
    """A pure function of the log."""

    version: int = 0
    #: Log time of the last update, in ms.
    time: int = 0
    #: In the order of creation.
    particles: dict[str, Particle] = field(default_factory=dict)
    #: Removed particles, in the order of removal: their stamps decide about concurrent writes that arrive later.
    tombstones: dict[str, Particle] = field(default_factory=dict)
    #: By `"x,y"`.
    cells: dict[str, Register] = field(default_factory=dict)
    quantum_fields: list[JsonObject] = field(default_factory=lambda: [primary_field()])
    dynamics: Dynamics = field(default_factory=Dynamics)


def view_particle(particle: Particle) -> JsonObject:
    """A particle as clients receive it."""
    derived = particle.derived
    newest = particle.newest
    content = {} if derived.content is None else {"content": derived.content}
    return {
        "id": particle.id,
        "position": render_attribute("position", derived.position),
        "velocity": render_attribute("velocity", derived.velocity),
        "resonance": derived.resonance,
        "crystallized": derived.crystallized,
        **content,
        "connections": list(derived.connections),
        "timestamp": newest.timestamp,
        "device": newest.device,
    }
