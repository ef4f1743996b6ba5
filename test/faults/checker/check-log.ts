/** Every update with a receipt stands in the log exactly once, as it was sent; versions have no gap; nothing was made up. */
import { isDeepStrictEqual } from 'node:util';
import type { LedgerEntry } from '../devices/ledger.ts';
import type { LogRow } from './read-log.ts';
import { type Violation, violationOf } from './violation.ts';

/** @param sent all that devices have sent to this field; `log` in version order */
export function checkLog(sent: readonly LedgerEntry[], log: readonly LogRow[]): Violation[] {
  const logged = new Map<string, LogRow[]>();
  for (const row of log) logged.set(updateKey(row), [...(logged.get(updateKey(row)) ?? []), row]);
  const known = new Map(
    sent.map((entry) => [updateKey({ device: entry.device, counter: entry.update.counter }), entry]),
  );
  const accepted = [...known].filter(([, { acceptedAt }]) => acceptedAt !== undefined).map(([name]) => name);
  const altered = log.filter((row) => {
    const entry = known.get(updateKey(row));
    return entry && !isDeepStrictEqual(JSON.parse(JSON.stringify(entry.update)), row.update);
  });
  const gaps = log.filter(({ version }, index) => version !== index + 1);
  return [
    ...violationOf(
      'lost',
      'accepted and not in the log',
      accepted.filter((name) => !logged.has(name)),
    ),
    ...violationOf(
      'doubled',
      'more than once in the log',
      updateKeys(logged, (rows) => rows.length > 1),
    ),
    ...violationOf(
      'invented',
      'in the log and sent by nobody',
      updateKeys(logged, (_, name) => !known.has(name)),
    ),
    ...violationOf('altered', 'not in the log as it was sent', altered.map(updateKey)),
    ...violationOf(
      'gap',
      'versions out of step',
      gaps.slice(0, 1).map(({ version }) => `version ${version}`),
    ),
  ];
}

function updateKey({ device, counter }: Pick<LogRow, 'device' | 'counter'>): string {
  return `${device} ${counter}`;
}

function updateKeys(
  logged: ReadonlyMap<string, LogRow[]>,
  predicate: (rows: LogRow[], name: string) => boolean,
): string[] {
  return [...logged].filter(([name, rows]) => predicate(rows, name)).map(([name]) => name);
}
