/** An outbox on a storage of the test, as a process has it that was just started. */
import { HybridClock } from '../../../../client/hybrid-clock.ts';
import { Outbox } from '../../../../client/outbox/outbox.ts';
import type { Identity } from '../../../../client/outbox/outbox-item.ts';
import { memoryStorage } from '../../../../client/storage/memory-storage.ts';
import { OutboxStore } from '../../../../client/storage/persistence/outbox-store.ts';
import type { Storage } from '../../../../client/storage/storage.ts';
import type { OutboxEntry } from '../../../../client/types.ts';
import type { UpdateResult } from '../../../../shared/contract/messages.ts';
import { formatCursor } from '../../../../shared/field/cursor.ts';
import { asCursor } from '../../../support/updates.ts';

/** Arguments of `nextBatch`. */
export const unlimited = [500, Number.POSITIVE_INFINITY] as const;

interface LoadOptions {
  readonly storage?: Storage;
  /** The version of the stored state. */
  readonly version?: number;
  readonly device?: string;
  readonly account?: string;
  readonly formerStorages?: readonly Storage[];
}

export async function loadOutbox(options: LoadOptions = {}) {
  const { storage = memoryStorage(), formerStorages = [], version = 0, device = 'd', account } = options;
  const identity: Identity = { device, account };
  const setAside: number[] = [];
  const changes: OutboxEntry[] = [];
  const damaged: string[] = [];
  const store = new OutboxStore({ storage, formerStorages, onDamage: (key) => damaged.push(key) });
  const clock = new HybridClock(() => 1_700_000_100_000);
  const outbox = new Outbox({
    store,
    clock,
    identity: () => identity,
    onSetAside: (count) => setAside.push(count),
    random: () => 0,
    onChange: (entry) => changes.push(entry),
  });
  await outbox.load(version);
  const addCell = (x: number) => outbox.add({ kind: 'cells.set', cells: [{ x, y: 0, value: 0.5 }] }, asCursor(0));
  const summarize = () => outbox.entries.map(({ counter, status }) => [counter, status]);
  const send = () => outbox.nextBatch(...unlimited).map(({ counter }) => counter);
  return { outbox, store, storage, changes, damaged, setAside, identity, addCell, summarize, send };
}

/** @param history tells apart two histories that have the same versions */
export function cursorAt(version: number, history = 'a') {
  return formatCursor(version, history.repeat(16));
}

export function resultOf(
  counter: number,
  version: number,
  outcome: UpdateResult['outcome'] = 'applied',
  history = 'a',
): UpdateResult {
  return { counter, outcome, version, cursor: cursorAt(version, history) };
}
