/**
 * Checks that each accepted update is in the log exactly once and unaltered, that versions have no gaps, that nothing else is
 * logged, and that what devices had seen was resolved correctly.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Cursor, hashPrefixOf, versionOf } from '../../../shared/field/cursor.ts';
import type { LedgerEntry } from '../devices/ledger.ts';
import type { LogRow, WholeLog } from './read-log.ts';
import { type Violation, violationOf } from './violation.ts';

/** @param sent all updates sent to this field */
export function checkLog(sent: readonly LedgerEntry[], log: WholeLog): Violation[] {
  const { rows } = log;
  const logged = new Map<string, LogRow[]>();
  for (const row of rows) logged.set(updateKey(row), [...(logged.get(updateKey(row)) ?? []), row]);
  const known = new Map(
    sent.map((entry) => [updateKey({ device: entry.device, counter: entry.update.counter }), entry]),
  );
  const accepted = [...known].filter(([, { acceptedAt }]) => acceptedAt !== undefined).map(([key]) => key);
  const altered = rows.filter((row) => {
    const entry = known.get(updateKey(row));
    return entry && !isDeepStrictEqual(contentOf(entry.update), contentOf(row.update));
  });
  const wrongSeen = rows.filter((row) => {
    const entry = known.get(updateKey(row));
    return entry && !isResolved(entry.update.seen, row, log);
  });
  const wrongClocks = findWrongClocks(known, log);
  const gaps = rows.filter(({ version }, index) => version !== index + 1);
  return [
    ...violationOf(
      'lost',
      'accepted but not in the log',
      accepted.filter((key) => !logged.has(key)),
    ),
    ...violationOf(
      'duplicated',
      'more than once in the log',
      updateKeys(logged, (found) => found.length > 1),
    ),
    ...violationOf(
      'invented',
      'in the log but never sent',
      updateKeys(logged, (_, key) => !known.has(key)),
    ),
    ...violationOf('altered', 'logged with different content', altered.map(updateKey)),
    ...violationOf('altered', 'logged with a wrong `seen`', wrongSeen.map(describeSeen(known))),
    ...violationOf('altered', 'logged with a clock that claims more than was sent or applied', wrongClocks),
    ...violationOf(
      'gap',
      'first version that is out of sequence',
      gaps.slice(0, 1).map(({ version }) => `version ${version}`),
    ),
    ...violationOf('hash', 'hashes that do not continue the log', findWrongHashes(log)),
  ];
}

/** A cursor that is in the log counts as its version, any other as nothing seen, and so does one that is pruned. */
function isResolved(seen: number | Cursor, { version, update }: LogRow, { rows, start }: WholeLog): boolean {
  if (typeof seen === 'number') return update.seen === seen;
  const seenVersion = versionOf(seen);
  const isInLog = seenVersion < version && rows[seenVersion - 1]?.hash.startsWith(hashPrefixOf(seen));
  if (update.seen === 0) return !isInLog || seenVersion <= start;
  return isInLog === true && update.seen === seenVersion;
}

/** What a clock claims is held down to what is applied. Counters of entries that are pruned are not known. */
function findWrongClocks(known: ReadonlyMap<string, LedgerEntry>, { rows, start }: WholeLog): string[] {
  const applied = new Map<string, number>();
  return rows.flatMap((row) => {
    const sent = known.get(updateKey(row))?.update.clock ?? {};
    const isWrong = Object.entries(row.update.clock ?? {}).some(
      ([device, counter]) => counter > (sent[device] ?? 0) || (start === 0 && counter > (applied.get(device) ?? 0)),
    );
    applied.set(row.device, Math.max(applied.get(row.device) ?? 0, row.counter));
    return isWrong ? updateKey(row) : [];
  });
}

/** What joins the parts of the log; each entry's own hash is checked by the replay. */
function findWrongHashes({ rows, start, startHash, hash }: WholeLog): string[] {
  const wrong: string[] = [];
  if (start > 0 && rows[start - 1]?.hash !== startHash) wrong.push(`the log starts with another hash after ${start}`);
  if (rows.length > 0 && rows.at(-1)?.hash !== hash) wrong.push('the last entry has not the hash of the field');
  return wrong;
}

/** What an update writes and the time it claims; the server resolves `seen` and holds `clock` down. */
function contentOf(update: object): unknown {
  return { ...(JSON.parse(JSON.stringify(update)) as object), seen: undefined, clock: undefined };
}

function describeSeen(known: ReadonlyMap<string, LedgerEntry>): (row: LogRow) => string {
  return (row) =>
    `${updateKey(row)} at version ${row.version}: ${row.update.seen} for ${known.get(updateKey(row))?.update.seen}`;
}

function updateKey({ device, counter }: Pick<LogRow, 'device' | 'counter'>): string {
  return `${device} ${counter}`;
}

function updateKeys(
  logged: ReadonlyMap<string, LogRow[]>,
  predicate: (rows: LogRow[], key: string) => boolean,
): string[] {
  return [...logged].filter(([key, rows]) => predicate(rows, key)).map(([key]) => key);
}
