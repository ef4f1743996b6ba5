/**
 * The fields that this worker keeps in memory, so that a hot field is not read from PostgreSQL for every commit. A copy may
 * be outdated at any time: a commit is appended only if the field is still at the copy's cursor. Otherwise the copy is
 * evicted and read again.
 */
import { LRUCache } from 'lru-cache';
import type { FieldStore, StoredField } from '../../db/field-store.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { type FieldState, getParticleIndex, getTombstoneIndex } from '../../shared/field/state.ts';
import { CursorWindow } from './cursor-window.ts';
import { ReorderWindow } from './reorder-window.ts';

export interface HotField {
  readonly state: FieldState;
  /** The highest counter of each device. */
  readonly clock: Map<DeviceId, number>;
  readonly cursors: CursorWindow;
  readonly reorderWindow: ReorderWindow;
  readonly hasErasedCounters: boolean;
  /** The erased counters of the devices that have been looked up; 0 for a device that was never erased. */
  readonly erasedCounters: Map<DeviceId, number>;
  /** The version of the snapshot in the field's row, and when that was written (ms, monotonic clock). */
  snapshotVersion: number;
  snapshotAt: number;
  /** The version of the newest archived snapshot. */
  archivedVersion: number;
  /** Bytes of the updates applied to this copy since each of the two snapshots. */
  bytesSinceSnapshot: number;
  bytesSinceArchive: number;
}

/** Limit of the memory of all cached fields. */
export const maxHotFieldBytes = 256 * 1024 * 1024;
const maxFields = 1000;

export class HotFieldCache {
  readonly #fields: LRUCache<FieldId, HotField>;

  constructor() {
    this.#fields = new LRUCache<FieldId, HotField>({
      ...{ max: maxFields, maxSize: maxHotFieldBytes },
      sizeCalculation: (field) => Math.ceil(estimateHotFieldBytes(field)),
    });
  }

  /** The copies of the fields, in the same order. Reads missing ones from the store, as many as fit into memory. */
  async get(store: FieldStore, fields: readonly FieldId[]): Promise<HotField[]> {
    const cached = new Map(fields.flatMap((field) => toEntry(field, this.#fields.get(field))));
    const missing = fields.filter((field) => !cached.has(field));
    const loaded = missing.length > 0 ? await store.load(missing) : new Map<FieldId, StoredField>();
    if (missing.length > 0 && loaded.size === 0) throw new Error(`none of ${missing.length} fields has a row`);
    return fields.flatMap((field) => {
      const stored = loaded.get(field);
      const hotField = cached.get(field) ?? (stored && toHotField(stored));
      if (!hotField) return [];
      // Cached copies too, because their size may have changed.
      this.#fields.set(field, hotField);
      return [hotField];
    });
  }

  /** The copies of those fields that are in memory. */
  peek(fields: readonly FieldId[]): HotField[] {
    return fields.flatMap((field) => this.#fields.peek(field) ?? []);
  }

  /** The memory of all copies. */
  get bytes(): number {
    return this.#fields.calculatedSize;
  }

  evict(fields: Iterable<FieldId>): void {
    for (const field of fields) this.#fields.delete(field);
  }
}

function toEntry(field: FieldId, hotField: HotField | undefined): [FieldId, HotField][] {
  return hotField ? [[field, hotField]] : [];
}

/** The counter up to which updates of a device may have been applied before. Higher counters are certainly new. */
export function lastCounterOf({ clock, hasErasedCounters, erasedCounters }: HotField, device: DeviceId): number {
  const erased = hasErasedCounters ? (erasedCounters.get(device) ?? Number.POSITIVE_INFINITY) : 0;
  return Math.max(clock.get(device) ?? 0, erased);
}

function toHotField({ state, clock, snapshotVersion, archivedVersion, hasErasedCounters }: StoredField): HotField {
  const cursors = new CursorWindow();
  cursors.add(state.version, state.hash);
  const reorderWindow = new ReorderWindow();
  const erased = { hasErasedCounters, erasedCounters: new Map<DeviceId, number>() };
  const snapshots = { snapshotVersion, snapshotAt: performance.now(), archivedVersion };
  return { state, clock, cursors, reorderWindow, ...erased, ...snapshots, bytesSinceSnapshot: 0, bytesSinceArchive: 0 };
}

/** Upper estimates of what a copy takes on the heap, measured with Node 20. */
const heapBytes = {
  field: 2000,
  /** The registers of a particle or tombstone. */
  particle: 1000,
  /** For each of a particle's own bytes; covers the most expensive content, many short connections. */
  particleByte: 2.2,
  cell: 200,
  /** A counter of the clock, or a cursor of the window. */
  entry: 100,
};

export function estimateHotFieldBytes({
  state,
  clock,
  cursors,
}: Pick<HotField, 'state' | 'clock' | 'cursors'>): number {
  const particles = state.particles.size + state.tombstones.size;
  const particleBytes = getParticleIndex(state).bytes + getTombstoneIndex(state).bytes;
  return (
    heapBytes.field +
    heapBytes.particle * particles +
    heapBytes.particleByte * particleBytes +
    heapBytes.cell * state.cells.size +
    heapBytes.entry * (clock.size + cursors.size)
  );
}
