/** One item of the outbox, and how it is created. */
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

/** Who has made an update, where that is not the outbox itself at this moment. */
export interface ItemOrigin {
  readonly identity: Identity;
  readonly key?: string;
  /** The key, if it identifies the update also when it is loaded again. */
  readonly ownKey?: string;
  /** The device's wall clock when the update was made, in ms. */
  readonly createdAt?: number;
}

export interface Item {
  /** What the app sees. */
  entry: OutboxEntry;
  state: EntryState;
  /** Where the store has it; 0 while it has not. */
  position: number;
  /** The device's wall clock when the update was created, in ms. */
  readonly createdAt: number;
  /** The highest timestamp seen when the update was created: its own must be higher. */
  readonly minTimestamp: number;
  /** The device that it may have been sent as, or that has made it; undefined if that is not known. */
  device: string | undefined;
  /** The only account that may send it; undefined if it was made without one. */
  account: string | undefined;
  /** A key that is stored with it; others are made anew in each process. */
  readonly ownKey?: string | undefined;
  /** Whether the timestamp that it is sent with was chosen. */
  isTimestampFixed: boolean;
  /** What a delta said of its counter before the server had acknowledged it. */
  earlyResult?: UpdateResult;
  /** Once it is settled: the log of a history that contains the update has this cursor, at the update's version or later. */
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

/** @returns nothing unless another device than this one may have sent it */
export function toSentByDevice({ entry, state, device }: Item, present: string | undefined): SentByDevice[] {
  if (device === undefined || device === present || !isMaybeSent(state)) return [];
  return [{ update: entry.update, device, isAcknowledged: isAcknowledged(state) }];
}
