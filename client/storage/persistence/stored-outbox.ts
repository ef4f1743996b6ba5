/**
 * Reads a stored outbox: one value for each entry, and a head, which is stored twice. A value may be torn, unreadable, or written
 * by other software or an earlier version; only that value is lost then.
 */
import { isCursor } from '../../../shared/field/cursor.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import { parseJson } from '../../parse-json.ts';
import { isNatural, isNumber, isString, optional, recordOf, shape } from '../../updates/checks.ts';
import { findFault } from '../../updates/find-fault.ts';
import type { Storage } from '../storage.ts';
import type { StoredEntry } from './stored-item.ts';

/** The property names are the stored format, which earlier versions have written. */
export interface Head {
  /** The highest counter assigned so far. */
  readonly counter: number;
  /** The highest position so far. */
  readonly place: number;
  /** The lowest position in use. Stored only by version 0.1.0; later versions reuse positions. */
  readonly first?: number;
  /** No update with a higher counter was ever sent. Version 0.1.0 did not store it. */
  readonly sent?: number | undefined;
}

export interface StoredOutbox {
  readonly head: Head | undefined;
  /** By position. */
  readonly entries: ReadonlyMap<number, StoredEntry>;
  /** The positions of values that could not be read, and may be readable later. */
  readonly unreadable: readonly number[];
}

export const headKey = 'outbox';
export const headCopyKey = 'outbox-copy';
export const entryKey = (position: number) => `outbox/${position}`;

const readBatchSize = 50;
/** Limits the range of positions: a head with a larger one was not written by a client. */
const maxPositions = 1_000_000;
/** If a head and its copy are lost, entries are searched for up to this position. */
const assumedPlace = 10_000;

const isHeadShape = shape({
  counter: isNatural,
  place: isNatural,
  first: optional(isNatural),
  sent: optional(isNatural),
});
const isUpdateShape = shape({
  counter: (value) => isNatural(value) && value > 0,
  timestamp: isNatural,
  seen: (value) => value === undefined || isNatural(value) || (isString(value) && isCursor(value)),
  clock: optional(recordOf(isNatural)),
});
const isEntryShape = shape({
  update: isUpdateShape,
  wall: isNumber,
  above: isNumber,
  reason: optional(isString),
  device: optional(isString),
  account: optional(isString),
  key: optional(isString),
});

function findContentFault({ counter, timestamp, seen, clock, ...content }: SentUpdate): string | undefined {
  return findFault(content);
}

/** Whether a value is an update that a server may accept. */
export function isUpdate(value: unknown): value is SentUpdate {
  return isUpdateShape(value) && findContentFault(value as SentUpdate) === undefined;
}

/**
 * @param onDamage called with the key of each value that is no entry or head, before it is removed
 * @throws when the storage gives neither the head nor its copy, or none of many entries
 */
export async function readOutbox(storage: Storage, onDamage: (key: string) => void): Promise<StoredOutbox> {
  const head = await readHead(storage, onDamage);
  const { place = 0, first = 1 } = head ?? {};
  const entries = new Map<number, StoredEntry>();
  const unreadable: number[] = [];
  for (let start = Math.max(1, first); ; start += readBatchSize) {
    const positions = Array.from({ length: readBatchSize }, (_, offset) => start + offset);
    const texts = await Promise.allSettled(positions.map((position) => storage.get(entryKey(position))));
    // Reading goes on beyond the head's position, because the head is written less often than entries.
    let isEmpty = true;
    for (const [index, result] of texts.entries()) {
      const position = start + index;
      if (result.status === 'rejected') unreadable.push(position);
      else if (result.value !== null) {
        isEmpty = false;
        const entry = parseEntry(result.value);
        if (entry) entries.set(position, { ...entry, place: position });
        else await discard(storage, entryKey(position), onDamage);
      }
    }
    if (texts.every(({ status }) => status === 'rejected')) throw new Error('The storage cannot be read.');
    if (isEmpty && start + readBatchSize > place) return { head, entries, unreadable };
  }
}

/** @throws when neither the head nor its copy can be read */
async function readHead(storage: Storage, onDamage: (key: string) => void): Promise<Head | undefined> {
  const [main, copy] = await Promise.allSettled([storage.get(headKey), storage.get(headCopyKey)]);
  if (main.status === 'rejected' && copy.status === 'rejected') throw main.reason;
  const [mainText, copyText] = [main, copy].map((result) => (result.status === 'fulfilled' ? result.value : ''));
  if (mainText === null && copyText === null) return undefined;
  const head = parseHead(mainText);
  if (head) return head;
  onDamage(headKey);
  // The copy may be older, so more updates may have been sent than it records.
  return { counter: 0, place: assumedPlace, ...parseHead(copyText), sent: undefined };
}

function parseHead(text: string | null | undefined): Head | undefined {
  const head: unknown = parseJson(text ?? null);
  if (!isHeadShape(head)) return undefined;
  const { place, first = 1 } = head as Head;
  return first <= place + 1 && place - first < maxPositions ? (head as Head) : undefined;
}

async function discard(storage: Storage, key: string, onDamage: (key: string) => void): Promise<void> {
  onDamage(key);
  await storage.remove(key).catch(() => undefined);
}

/** An entry whose content no server would accept is kept as refused: version 0.1.0 did not check what it stored. */
function parseEntry(text: string): StoredEntry | undefined {
  const value: unknown = parseJson(text);
  if (!isEntryShape(value)) return undefined;
  const entry = value as StoredEntry;
  const fault = findContentFault(entry.update);
  return { ...entry, reason: entry.reason ?? (fault && `${fault} is invalid`) };
}
