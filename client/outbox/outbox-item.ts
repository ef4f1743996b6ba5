/** One item of the outbox in memory: how it is created, restored from the storage and stored. */
import type { Cursor } from '../../shared/field/cursor.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { OutboxEntry } from '../types.ts';
import type { EntryState } from './entry-state.ts';
import type { StoredEntry } from './outbox-store.ts';

type WithoutOrigin<Each> = Each extends SentUpdate ? Omit<Each, 'counter' | 'timestamp' | 'seen' | 'clock'> : never;
/** What an update does, without its counter and timestamps. */
export type UpdateContent = WithoutOrigin<SentUpdate>;

export interface Item {
  /** What the app sees. */
  entry: OutboxEntry;
  state: EntryState;
  /** In the order of creation, as stored; 0 until the storage was read. */
  position: number;
  /** The device's wall clock when the update was created, in ms. */
  readonly createdAt: number;
  /** The highest timestamp seen when the update was created: its own must be higher. */
  readonly minTimestamp: number;
  /** Whether this process has chosen the timestamp that it sends. */
  isTimestampFixed: boolean;
}

interface ItemOptions {
  readonly key: string;
  readonly counter: number;
  readonly seen: Cursor;
  readonly position: number;
  readonly clock: HybridClock;
}

export function createItem(content: UpdateContent, { key, counter, seen, position, clock }: ItemOptions): Item {
  const minTimestamp = clock.highestTimestamp;
  const update = { ...content, counter, timestamp: clock.nextTimestamp(), seen } as SentUpdate;
  return {
    entry: { key, counter, update, status: 'queued' },
    state: 'queued',
    position,
    createdAt: clock.wallTime(),
    minTimestamp,
    isTimestampFixed: false,
  };
}

/** An earlier process may have sent a stored update, or the storage may be a copy, so that its counter is unverified. */
export function restoreItem({ place, update, wall, above, reason }: StoredEntry): Item {
  const isRefused = reason !== undefined;
  return {
    entry: {
      key: `kept-${place}`,
      counter: update.counter,
      update,
      status: isRefused ? 'refused' : 'queued',
      ...(isRefused ? { reason } : {}),
    },
    state: isRefused ? 'refused' : 'unverified',
    position: place,
    createdAt: wall,
    minTimestamp: above,
    isTimestampFixed: false,
  };
}

export function toStoredEntry({ entry: { update, reason }, position, createdAt, minTimestamp }: Item): StoredEntry {
  return { place: position, update, wall: createdAt, above: minTimestamp, reason };
}
