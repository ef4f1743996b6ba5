"""Particles: six registers each, how a put or a removal writes them, and the values that are derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .numbers import clamp_finite, hash_text
from .registers import Register, Stamp, Write, merge_register

Vector = tuple[float, float, float]
ATTRIBUTES = ("position", "velocity", "resonance", "content", "connections")


class Derived(NamedTuple):
    """What readers see of a particle, and its kinetic energy."""

    position: Vector
    velocity: Vector
    resonance: float
    crystallized: bool
    content: str | None
    connections: tuple[str, ...]
    kinetic: float


class WriteResult(NamedTuple):
    """What became of the write of one register, and what was in it before."""

    name: str
    result: str
    before: Register | None
    value: Any


class Particle:
    """A particle that exists, or the tombstone of one that was removed."""

    def __init__(self, particle_id: str) -> None:
        self.id = particle_id
        #: The version that created it, or created it again.
        self.created = 0
        self.exists: Register | None = None
        self.attributes: dict[str, Register] = {}
        self._derived: Derived | None = None
        self._size: int | None = None

    def put(self, update: Mapping[str, Any], write: Write) -> list[WriteResult]:
        """Writes that it exists, and the attributes that the update names."""
        results = [self._write_exists(True, write)]
        for name in ATTRIBUTES:
            if name in update:
                results.append(self._write(name, parse_attribute(name, update[name]), write))
        return results

    def remove(self, write: Write) -> list[WriteResult]:
        """Writes that it does not exist, and empties every attribute."""
        return [self._write_exists(False, write), *(self._write(name, None, write) for name in ATTRIBUTES)]

    def set(self, name: str, register: Register) -> None:
        """Replaces a register without a merge."""
        self.attributes[name] = register
        self._derived = self._size = None

    @property
    def newest(self) -> Stamp:
        """The largest stamp of all registers."""
        registers = [self.exists, *self.attributes.values()]
        return max((register.stamp for register in registers if register), key=lambda stamp: stamp.order)

    @property
    def size(self) -> int:
        """The bytes by which a field is limited: 128, and the UTF-8 bytes of id, content and connections."""
        if self._size is None:
            texts = [self.id, self._value("content") or "", *(self._value("connections") or ())]
            self._size = 128 + sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        return self._size

    @property
    def derived(self) -> Derived:
        """Computed when it is first needed after a write."""
        if self._derived is None:
            self._derived = self._derive()
        return self._derived

    def _derive(self) -> Derived:
        base = self._value("resonance", 0.5)
        connections = self._value("connections", ())
        crystallized = base > 0.7 and len(connections) > 2
        x, y, z = self._value("velocity") or derive_velocity(self.id)
        velocity = (x * 0.5, y * 0.5, z * 0.5) if crystallized else (x, y, z)
        resonance = min(1.0, base + 0.1) if crystallized else base
        return Derived(
            position=self._value("position", (0.0, 0.0, 0.0)),
            velocity=velocity,
            resonance=resonance,
            crystallized=crystallized,
            content=self._value("content"),
            connections=connections,
            kinetic=_kinetic_energy(velocity, resonance),
        )

    def _value(self, name: str, default: Any = None) -> Any:
        register = self.attributes.get(name)
        return default if register is None or register.value is None else register.value

    def _write_exists(self, value: bool, write: Write) -> WriteResult:
        before = self.exists
        self.exists, result = merge_register(before, value, write)
        self._derived = None
        return WriteResult("exists", result, before, value)

    def _write(self, name: str, value: Any, write: Write) -> WriteResult:
        before = self.attributes.get(name)
        register, result = merge_register(before, value, write)
        self.set(name, register)
        return WriteResult(name, result, before, value)


def parse_attribute(name: str, value: Any) -> Any:
    """Converts a value of JSON. Numbers become doubles, since integers of Python would be computed without rounding."""
    if name in ("position", "velocity"):
        return (float(value["x"]), float(value["y"]), float(value.get("z", 0)))
    if name == "resonance":
        return float(value)
    return tuple(value) if name == "connections" else value


def render_attribute(name: str, value: Any) -> Any:
    """The inverse of `parse_attribute`."""
    if name in ("position", "velocity"):
        return dict(zip("xyz", value))
    return list(value) if name == "connections" else value


def derive_velocity(particle_id: str) -> Vector:
    """The velocity of a particle that was put without one: a hash of its id, each axis in [-0.05, 0.05)."""
    x, y, z = (hash_text(f"{particle_id}/{axis}") / 4294967296 * 0.1 - 0.05 for axis in "xyz")
    return (x, y, z)


def _kinetic_energy(velocity: Vector, resonance: float) -> float:
    x, y, z = velocity
    return 0.0 if resonance == 0 else clamp_finite(0.5 * (x * x + y * y + z * z)) * resonance
