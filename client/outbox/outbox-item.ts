/** One item of the outbox in memory: how it is created, restored from the storage and stored. */
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { OutboxEntry } from '../types.ts';
import type { UpdateContent } from '../updates/update-content.ts';
import { type EntryState, isAcknowledged, isMaybeSent } from './entry-state.ts';

/** Who sends updates. */
export interface Identity {
  readonly device: string | undefined;
  /** Undefined for a device that registered itself. */
  readonly account: string | undefined;
}

/** An update that another device than the present one may have sent. */
export interface SentByDevice {
  readonly update: SentUpdate;
  readonly device: string;
  /** Whether the server has acknowledged it. */
  readonly isAcknowledged: boolean;
}

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
  /** The device that it may have been sent as, or that has made it; undefined if that is not known. */
  device: string | undefined;
  /** The only account that may send it; undefined if it was made without one. */
  account: string | undefined;
  /** Whether the timestamp that it is sent with was chosen. */
  isTimestampFixed: boolean;
  /** What a delta said of its counter before the server had acknowledged it. */
  earlyResult?: UpdateResult;
  /** Once it is settled: the log of a history that contains the update has this cursor, at the update's version or later. */
  proof?: Cursor;
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
  readonly reason?: string | undefined;
  /** The device and the account that may send it. Version 0.1.0 did not store them. */
  readonly device?: string | undefined;
  readonly account?: string | undefined;
}

interface ItemOptions {
  readonly key: string;
  readonly counter: number;
  readonly seen: Cursor;
  readonly position: number;
  readonly clock: HybridClock;
  readonly identity: Identity;
}

export function createItem(content: UpdateContent, options: ItemOptions): Item {
  const { key, counter, seen, position, clock, identity } = options;
  const { device, account } = identity;
  const minTimestamp = clock.highestTimestamp;
  const update = { ...content, counter, timestamp: clock.nextTimestamp(), seen } as SentUpdate;
  return {
    entry: { key, counter, update, status: 'queued' },
    state: 'queued',
    position,
    createdAt: clock.wallTime(),
    minTimestamp,
    device,
    account,
    isTimestampFixed: false,
  };
}

/** @returns nothing unless another device than this one may have sent it */
export function toSentByDevice({ entry, state, device }: Item, present: string | undefined): SentByDevice[] {
  if (device === undefined || device === present || !isMaybeSent(state)) return [];
  return [{ update: entry.update, device, isAcknowledged: isAcknowledged(state) }];
}

/** @param sentCounter the highest counter that may have been sent, according to the storage, which may be a copy */
export function restoreItem(stored: StoredEntry, sentCounter: number): Item {
  const { place, update, wall, above, reason, device, account } = stored;
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
    device,
    account,
    isTimestampFixed: false,
  };
}

export function toStoredEntry({ entry, position, createdAt, minTimestamp, device, account }: Item): StoredEntry {
  const { update, reason } = entry;
  return { place: position, update, wall: createdAt, above: minTimestamp, reason, device, account };
}

/** An applied update as it is stored. */
export interface StoredApplied {
  readonly update: SentUpdate;
  readonly version: number;
  readonly cursor: Cursor;
  readonly device?: string | undefined;
  readonly account?: string | undefined;
}

export function restoreApplied({ update, version, cursor, device, account }: StoredApplied): Item {
  const { counter, timestamp } = update;
  return {
    entry: { key: `applied-${counter}`, counter, update, status: 'applied', outcome: 'applied', version },
    state: 'settledByDelta',
    position: 0,
    createdAt: timestamp,
    minTimestamp: timestamp - 1,
    device,
    account,
    isTimestampFixed: true,
    proof: cursor,
  };
}

/** @returns undefined for an update that is not settled */
export function toStoredApplied({ entry, proof, device, account }: Item): StoredApplied | undefined {
  const { update, version = 0 } = entry;
  return proof && { update, version, cursor: proof, device, account };
}
