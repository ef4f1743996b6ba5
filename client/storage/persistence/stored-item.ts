/** An item of the outbox as it is stored. The property names are the stored format, which earlier versions have written. */
import type { Cursor } from '../../../shared/field/cursor.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import type { Item } from '../../outbox/outbox-item.ts';

/** An update that is not settled. */
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
  readonly key?: string | undefined;
}

/** @param sentCounter the highest counter that may have been sent, according to the storage, which may be a copy */
export function restoreItem(stored: StoredEntry, sentCounter: number): Item {
  const { place, update, wall, above, reason, device, account, key } = stored;
  const isRefused = reason !== undefined;
  return {
    entry: {
      key: key ?? `kept-${place}`,
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
    ownKey: key,
    isTimestampFixed: false,
  };
}

export function toStoredEntry(item: Item): StoredEntry {
  const { entry, position, createdAt, minTimestamp, device, account, ownKey: key } = item;
  const { update, reason } = entry;
  return { place: position, update, wall: createdAt, above: minTimestamp, reason, device, account, key };
}

/** Identifies an edit independently of its counter and timestamp. */
export function identify({ update: { counter, timestamp, ...content }, wall, key }: StoredEntry): string {
  return JSON.stringify([content, wall, key]);
}

export function byCounter(a: StoredEntry, b: StoredEntry): number {
  return a.update.counter - b.update.counter;
}

/** An applied update as it is stored. */
export interface StoredApplied {
  readonly update: SentUpdate;
  readonly version: number;
  readonly cursor: Cursor;
  readonly device?: string | undefined;
  readonly account?: string | undefined;
  readonly key?: string | undefined;
}

export function restoreApplied({ update, version, cursor, device, account, key }: StoredApplied): Item {
  const { counter, timestamp } = update;
  return {
    entry: { key: key ?? `applied-${counter}`, counter, update, status: 'applied', outcome: 'applied', version },
    state: 'settledByDelta',
    position: 0,
    createdAt: timestamp,
    minTimestamp: timestamp - 1,
    device,
    account,
    ownKey: key,
    isTimestampFixed: true,
    proof: cursor,
  };
}

/** @returns undefined for an update that is not settled */
export function toStoredApplied({ entry, proof, device, account, ownKey: key }: Item): StoredApplied | undefined {
  const { update, version = 0 } = entry;
  return proof && { update, version, cursor: proof, device, account, key };
}
