/** One item of the outbox in memory: how it is created, restored from the storage and stored. */
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { OutboxEntry } from '../types.ts';
import type { EntryState } from './entry-state.ts';

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
  /** Whether the timestamp that it is sent with was chosen. */
  isTimestampFixed: boolean;
  /** What a delta said of its counter before the server had acknowledged it. */
  earlyResult?: UpdateResult;
  /** Once it is settled. */
  proof?: AppliedProof;
}

/** What shows later whether the server still has an applied update. */
export interface AppliedProof {
  /** The log of a history that contains the update has this cursor, at the update's version or later. */
  readonly cursor: Cursor;
  /** The device that the update was sent as. */
  readonly device: string | undefined;
}

/** One stored entry. The property names are the stored format, which earlier versions have written. */
export interface StoredEntry {
  /** Position in the order of creation, from 1; part of the entry's key. */
  readonly place: number;
  readonly update: SentUpdate;
  /** The device's wall clock when the update was created, in ms. */
  readonly wall: number;
  /** The highest timestamp that the device had seen by then. */
  readonly above: number;
  /** Why the server refused it; undefined unless it did. */
  readonly reason?: string;
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

/** @param sentCounter the highest counter that may have been sent, according to the storage, which may be a copy */
export function restoreItem({ place, update, wall, above, reason }: StoredEntry, sentCounter: number): Item {
  const isRefused = reason !== undefined;
  return {
    entry: {
      key: `kept-${place}`,
      counter: update.counter,
      update,
      status: isRefused ? 'refused' : 'queued',
      ...(isRefused ? { reason } : {}),
    },
    state: isRefused ? 'refused' : update.counter > sentCounter ? 'restored' : 'unverified',
    position: place,
    createdAt: wall,
    minTimestamp: above,
    isTimestampFixed: false,
  };
}

export function toStoredEntry({ entry: { update, reason }, position, createdAt, minTimestamp }: Item): StoredEntry {
  return { place: position, update, wall: createdAt, above: minTimestamp, reason };
}

/** An applied update as it is stored. */
export interface StoredApplied extends AppliedProof {
  readonly update: SentUpdate;
  readonly version: number;
}

export function restoreApplied({ update, version, cursor, device }: StoredApplied): Item {
  const { counter, timestamp } = update;
  return {
    entry: { key: `applied-${counter}`, counter, update, status: 'applied', outcome: 'applied', version },
    state: 'settledByDelta',
    position: 0,
    createdAt: timestamp,
    minTimestamp: timestamp - 1,
    isTimestampFixed: true,
    proof: { cursor, device },
  };
}

/** @returns undefined for an update that is not settled */
export function toStoredApplied({ entry: { update, version = 0 }, proof }: Item): StoredApplied | undefined {
  return proof && { update, version, ...proof };
}
