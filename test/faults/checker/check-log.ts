/** Checks that each accepted update is in the log exactly once and unaltered, that versions have no gaps, and that nothing else is logged. */
import { isDeepStrictEqual } from 'node:util';
import type { LedgerEntry } from '../devices/ledger.ts';
import type { LogRow } from './read-log.ts';
import { type Violation, violationOf } from './violation.ts';

/** @param sent all updates sent to this field @param log its rows in version order */
export function checkLog(sent: readonly LedgerEntry[], log: readonly LogRow[]): Violation[] {
  const logged = new Map<string, LogRow[]>();
  for (const row of log) logged.set(updateKey(row), [...(logged.get(updateKey(row)) ?? []), row]);
  const known = new Map(
    sent.map((entry) => [updateKey({ device: entry.device, counter: entry.update.counter }), entry]),
  );
  const accepted = [...known].filter(([, { acceptedAt }]) => acceptedAt !== undefined).map(([key]) => key);
  const altered = log.filter((row) => {
    const entry = known.get(updateKey(row));
    return entry && !isDeepStrictEqual(JSON.parse(JSON.stringify(entry.update)), row.update);
  });
  const gaps = log.filter(({ version }, index) => version !== index + 1);
  return [
    ...violationOf(
      'lost',
      'accepted but not in the log',
      accepted.filter((key) => !logged.has(key)),
    ),
    ...violationOf(
      'duplicated',
      'more than once in the log',
      updateKeys(logged, (rows) => rows.length > 1),
    ),
    ...violationOf(
      'invented',
      'in the log but never sent',
      updateKeys(logged, (_, key) => !known.has(key)),
    ),
    ...violationOf('altered', 'logged with different content', altered.map(updateKey)),
    ...violationOf(
      'gap',
      'first version that is out of sequence',
      gaps.slice(0, 1).map(({ version }) => `version ${version}`),
    ),
  ];
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
