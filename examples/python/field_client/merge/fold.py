"""Folds updates into a state: merges the registers, then moves the dynamics that depend on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .conflicts import Conflict, combine_resolutions, record_cell_conflict, record_particle_conflict
from .dynamics import apply_event, step_quantum_fields
from .numbers import code_units
from .particles import Particle
from .registers import LOST, SUPERSEDED, WON, Write, merge_register
from .state import FieldState

MAX_PARTICLES = 1000
MAX_PARTICLE_BYTES = 4 * 1024 * 1024
PARTICLES_AFTER_EVICTION = 800
BYTES_AFTER_EVICTION = MAX_PARTICLE_BYTES * 8 // 10
MAX_TOMBSTONES = 5000


class FoldResult(NamedTuple):
    """`resolution` is given if and only if the outcome is `conflict`."""

    outcome: str
    resolution: str | None
    conflicts: list[Conflict]
    #: The particles and cells that the update has touched.
    particles: set[str]
    cells: set[str]


def fold_update(state: FieldState, device: str, update: Mapping[str, Any], time: int) -> FoldResult:
    """Applies one update, which gets the next version of the state.

    The caller folds each update once, in the order of versions. `seen` of the update is a version; `time` is log time
    in ms.
    """
    state.version += 1
    state.time = max(state.time, time)
    write = Write(
        device=device,
        counter=update["counter"],
        timestamp=update["timestamp"],
        seen=update.get("seen", 0),
        clock=update.get("clock") or {},
        version=state.version,
    )
    kind = update["kind"]
    if kind == "cells.set":
        return _set_cells(state, update["cells"], write)
    if kind == "event":
        apply_event(state, update)
        return _result([], [])
    result = _write_particle(state, update, write)
    evicted = _evict_particles(state)
    step_quantum_fields(state)
    return result._replace(particles=result.particles | evicted)


def purge_tombstones(state: FieldState, through: int) -> None:
    """Deletes the tombstones of removals up to a version, as the server does together with the log."""
    for particle_id, particle in list(state.tombstones.items()):
        if particle.exists and particle.exists.stamp.version <= through:
            del state.tombstones[particle_id]
    state.dynamics.swept_through = max(state.dynamics.swept_through, through)


def _result(results: list[str], conflicts: list[Conflict], particles: Any = (), cells: Any = ()) -> FoldResult:
    resolution = combine_resolutions(conflicts)
    is_superseded = bool(results) and all(result == SUPERSEDED for result in results)
    outcome = "conflict" if resolution else "superseded" if is_superseded else "applied"
    return FoldResult(outcome, resolution, conflicts, set(particles), set(cells))


def _set_cells(state: FieldState, cells: list[dict[str, Any]], write: Write) -> FoldResult:
    results: list[str] = []
    conflicts: list[Conflict] = []
    names = [f"{cell['x']},{cell['y']}" for cell in cells]
    for name, cell in zip(names, cells):
        before = state.cells.get(name)
        value = float(cell["value"])
        state.cells[name], result = merge_register(before, value, write)
        _record_timestamp(state, state.cells[name].stamp.timestamp)
        results.append(result)
        if before and result in (WON, LOST):
            conflicts.append(record_cell_conflict(name, before, value, write, result == WON, state.time))
    return _result(results, conflicts, cells=names)


def _write_particle(state: FieldState, update: Mapping[str, Any], write: Write) -> FoldResult:
    particle_id = update["id"]
    is_removal = update["kind"] == "particle.remove"
    particle = state.particles.get(particle_id) or state.tombstones.get(particle_id) or Particle(particle_id)
    results = particle.remove(write) if is_removal else particle.put(update, write)
    _place_particle(state, particle)
    _record_timestamp(state, particle.newest.timestamp)
    conflict = record_particle_conflict(particle, results, write, is_removal, state.time)
    return _result([result.result for result in results], [conflict] if conflict else [], particles=[particle_id])


def _place_particle(state: FieldState, particle: Particle) -> None:
    """Moves a particle to the existing ones or to the tombstones, as its register `exists` says."""
    if particle.exists and particle.exists.value:
        state.tombstones.pop(particle.id, None)
        if particle.id not in state.particles:
            particle.created = state.version
            state.particles[particle.id] = particle
        return
    state.particles.pop(particle.id, None)
    state.tombstones.setdefault(particle.id, particle)
    while len(state.tombstones) > MAX_TOMBSTONES or _total_size(state.tombstones) > MAX_PARTICLE_BYTES:
        del state.tombstones[next(iter(state.tombstones))]


def _evict_particles(state: FieldState) -> set[str]:
    """Deletes the particles with the oldest writes, without tombstones, if there are too many or too large ones."""
    if len(state.particles) <= MAX_PARTICLES and _total_size(state.particles) <= MAX_PARTICLE_BYTES:
        return set()
    # Two stable sorts: the newest first, and equal stamps by id.
    by_newest = sorted(state.particles.values(), key=lambda particle: code_units(particle.id))
    by_newest.sort(key=lambda particle: particle.newest.order, reverse=True)
    kept = size = 0
    for particle in by_newest:
        size += particle.size
        if kept == PARTICLES_AFTER_EVICTION or size > BYTES_AFTER_EVICTION:
            break
        kept += 1
    evicted = {particle.id for particle in by_newest[kept:]}
    for particle_id in evicted:
        del state.particles[particle_id]
    state.dynamics.evicted_at = state.version
    return evicted


def _total_size(particles: Mapping[str, Particle]) -> int:
    return sum(particle.size for particle in particles.values())


def _record_timestamp(state: FieldState, timestamp: int) -> None:
    state.dynamics.max_timestamp = max(state.dynamics.max_timestamp, timestamp)
