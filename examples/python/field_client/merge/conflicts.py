"""Records of conflicts: two concurrent writes of different values, of which one was kept."""

from __future__ import annotations

from typing import Any

from .particles import ATTRIBUTES, Particle, WriteResult, render_attribute
from .registers import LOST, WON, Register, Stamp, Write, order_causally

Conflict = dict[str, Any]


def record_cell_conflict(
    cell: str, before: Register, value: float, write: Write, is_winner: bool, time: int
) -> Conflict:
    """The conflict of a write with the value of a cell. `local` was there, `remote` arrived."""
    resolution = "used_remote" if is_winner else "kept_local"
    return _record(cell, (before.stamp, before.value), (write, value), resolution, time)


def record_particle_conflict(
    particle: Particle, results: list[WriteResult], write: Write, is_removal: bool, time: int
) -> Conflict | None:
    """The conflict of a put or a removal with what was written to the particle; None if there is none."""
    contended = [result for result in results if result.result in (WON, LOST)]
    if not contended:
        return None
    local = max((result.before.stamp for result in contended if result.before), key=lambda stamp: stamp.order)
    was_removed = any(result.name == "exists" and result.before and not result.before.value for result in contended)
    before = None if was_removed else _collect([(r.name, r.before.value if r.before else None) for r in contended])
    after = None if is_removal else _collect([(result.name, result.value) for result in contended])
    resolution = _resolve(particle, contended, write)
    return _record(f"particle/{particle.id}", (local, before), (write, after), resolution, time)


def combine_resolutions(conflicts: list[Conflict]) -> str | None:
    """The resolution of an update with several conflicts; None without any."""
    resolutions = {conflict["resolution"] for conflict in conflicts}
    if not resolutions:
        return None
    return resolutions.pop() if len(resolutions) == 1 else "merged"


def _record(cell: str, local: tuple[Stamp, Any], remote: tuple[Write, Any], resolution: str, time: int) -> Conflict:
    def side(origin: Any, value: Any) -> dict[str, Any]:
        return {
            "device": origin.device,
            "counter": origin.counter,
            "timestamp": origin.timestamp,
            "value": value,
        }

    return {
        "cell": cell,
        "local": side(*local),
        "remote": side(*remote),
        "resolution": resolution,
        "version": remote[0].version,
        "time": time,
    }


def _resolve(particle: Particle, contended: list[WriteResult], write: Write) -> str:
    """`merged` if the particle now has values both of the update and of the devices that it conflicts with."""
    for result in contended:
        if result.name == "exists" and (result.value is False) == (result.result == WON):
            # The particle is removed, and the removal has won every attribute.
            return "used_remote" if result.result == WON else "kept_local"
    registers = (particle.attributes.get(name) for name in ATTRIBUTES)
    stamps = [register.stamp for register in registers if register and register.value is not None]
    has_remote = any(stamp.version == write.version for stamp in stamps)
    devices = {result.before.stamp.device for result in contended if result.before}
    has_local = any(stamp.device in devices and order_causally(write, stamp) == "concurrent" for stamp in stamps)
    results = {result.result for result in contended}
    if (has_remote and has_local) or len(results) > 1:
        return "merged"
    return "kept_local" if results == {LOST} else "used_remote"


def _collect(values: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: render_attribute(name, value) for name, value in values if name != "exists" and value is not None}
