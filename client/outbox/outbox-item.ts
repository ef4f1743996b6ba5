/** One item of the outbox, and how it is created. */
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { OutboxEntry } from '../types.ts';
import type { UpdateContent } from '../updates/update-content.ts';
import { type EntryState, isAcknowledged, isMaybeSent } from './entry-state.ts';

/** The device and the account that send updates. */
export interface Identity {
  readonly device: string | undefined;
  /** Undefined for a device that registered itself. */
  readonly account: string | undefined;
}

/** An update that a device other than the present one may have sent. */
export interface SentByDevice {
  readonly update: SentUpdate;
  readonly device: string;
  /** Whether the server has acknowledged it. */
  readonly isAcknowledged: boolean;
}

/** Who made an update, and when, if not this client at this moment. */
export interface ItemOrigin {
  readonly identity: Identity;
  readonly key?: string;
  /** The key, if it is stored and so still identifies the update in a later process. */
  readonly ownKey?: string;
  /** The device's wall clock when the update was made, in ms. */
  readonly createdAt?: number;
}

export interface Item {
  /** The entry as the app sees it. */
  entry: OutboxEntry;
  state: EntryState;
  /** Its position in the store; 0 if it is not stored. */
  position: number;
  /** The device's wall clock when the update was created, in ms. */
  readonly createdAt: number;
  /** The highest timestamp seen when the update was created: its own must be higher. */
  readonly minTimestamp: number;
  /** The device that may have sent it, or else made it; undefined if unknown. */
  device: string | undefined;
  /** The only account that may send it; undefined if it was made without one. */
  account: string | undefined;
  /** A key that is stored with it; other keys are generated anew in each process. */
  readonly ownKey?: string | undefined;
  /** Whether the timestamp that it is sent with is final. */
  isTimestampFixed: boolean;
  /** The result that a delta reported for its counter before the server had acknowledged it. */
  earlyResult?: UpdateResult;
  /** Set once it is settled: a cursor, at the update's version or later, of a log that contains the update. */
  proof?: Cursor;
}

interface ItemOptions extends Omit<ItemOrigin, 'key'> {
  readonly key: string;
  readonly counter: number;
  readonly seen: Cursor;
  readonly clock: HybridClock;
}

export function createItem(content: UpdateContent, options: ItemOptions): Item {
  const { ownKey, key, counter, seen, clock, identity, createdAt = clock.wallTime() } = options;
  const { device, account } = identity;
  const minTimestamp = clock.highestTimestamp;
  const update = { ...content, counter, timestamp: clock.nextTimestamp(), seen } as SentUpdate;
  return {
    entry: { key, counter, update, status: 'queued' },
    state: 'queued',
    position: 0,
    createdAt,
    minTimestamp,
    device,
    account,
    ownKey,
    isTimestampFixed: false,
  };
}

/** @returns an empty array unless a device other than the present one may have sent it */
export function toSentByDevice({ entry, state, device }: Item, present: string | undefined): SentByDevice[] {
  if (device === undefined || device === present || !isMaybeSent(state)) return [];
  return [{ update: entry.update, device, isAcknowledged: isAcknowledged(state) }];
}
