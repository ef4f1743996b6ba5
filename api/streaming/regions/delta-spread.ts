/**
 * Distributes the changes of a delta to the regions that they concern, in one pass for all of them. Keeps the position of every
 * particle, because one that leaves a region is a change of both the old and the new region.
 */
import type { StateFragments } from '../../../shared/cache/state-fragments.ts';
import { locateCell, type Point, type Region } from '../../../shared/field/math/region.ts';
import type { Conflict } from '../../../shared/field/registers/conflict-record.ts';
import { locateParticles } from './clip-state.ts';
import type { ParsedDelta } from './parsed-delta.ts';
import type { RegionGrid } from './region-grid.ts';
import { locateConflict, type RegionalChanges, toEntry } from './regional-changes.ts';

interface MutableChanges {
  readonly particles: string[];
  readonly cells: string[];
  readonly conflicts: Conflict[];
}

export class DeltaSpread<Entry extends { readonly region: Region }> {
  readonly #grid: RegionGrid<Entry>;
  readonly #positions = new Map<string, Point>();

  /** @param fragments the whole state that the first delta continues */
  constructor(grid: RegionGrid<Entry>, fragments: StateFragments) {
    this.#grid = grid;
    const points = locateParticles(fragments);
    for (const [index, { id }] of fragments.particles.entries()) {
      const point = points[index];
      if (point) this.#positions.set(id, point);
    }
  }

  /** The entries that the delta concerns, with what changes for them. */
  spread({ changes, conflicts = [] }: ParsedDelta): Map<Entry, RegionalChanges> {
    const found = new Map<Entry, MutableChanges>();
    const changesOf = (entry: Entry): MutableChanges => {
      const known = found.get(entry) ?? { particles: [], cells: [], conflicts: [] };
      found.set(entry, known);
      return known;
    };
    // Computed before the positions change, because a conflict about a removed particle concerns the place where it was.
    const places = conflicts.map((conflict) => ({
      conflict,
      point: locateConflict(conflict, (id) => changes.particles[id]?.position ?? this.#positions.get(id)),
    }));
    for (const [id, particle] of Object.entries(changes.particles)) this.#spreadParticle(id, particle, changesOf);
    for (const [cell, value] of Object.entries(changes.cells)) {
      for (const entry of this.#grid.find(locateCell(cell))) changesOf(entry).cells.push(toEntry(cell, value));
    }
    for (const { conflict, point } of places) {
      if (point) for (const entry of this.#grid.find(point)) changesOf(entry).conflicts.push(conflict);
    }
    return found;
  }

  #spreadParticle(
    id: string,
    particle: { readonly position: Point } | null,
    changesOf: (entry: Entry) => MutableChanges,
  ): void {
    const before = this.#positions.get(id);
    const inside = new Set(particle ? this.#grid.find(particle.position) : []);
    if (before) {
      for (const entry of this.#grid.find(before))
        if (!inside.has(entry)) changesOf(entry).particles.push(toEntry(id, null));
    }
    if (particle) this.#positions.set(id, particle.position);
    else this.#positions.delete(id);
    if (inside.size === 0) return;
    const text = toEntry(id, particle);
    for (const entry of inside) changesOf(entry).particles.push(text);
  }
}
