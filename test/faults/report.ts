/** The output of a run: one line per round, and a summary by fault. */
import { renderTable } from '../../bench/report/table.ts';
import { describeSlope, type Slope } from './checker/leaks.ts';
import type { Violation, ViolationKind } from './checker/violation.ts';
import type { DevicePool } from './devices/device-pool.ts';
import type { RoundDurations, RoundReport } from './round.ts';

const columns = [
  'fault',
  'rounds',
  'accepted',
  'by postgres',
  'lost',
  'duplicated',
  'inconsistent',
  'recovered',
  'caught up',
  'longest wait',
];

export function describeRound(round: number, report: RoundReport): string {
  const { fault, notes, accepted, recoveredMs, caughtUpMs, longestWaitMs, durations, violations } = report;
  const times = `recovered ${formatSeconds(recoveredMs)}, caught up ${formatSeconds(caughtUpMs)}, longest wait ${formatSeconds(longestWaitMs)}`;
  const name = notes.length > 0 ? `${fault} (${notes.join('; ')})` : fault;
  const result = violations.length === 0 ? 'ok' : 'FAILED';
  const head = `round ${round}: ${name}, ${accepted} accepted, ${times}, took ${describeDurations(durations)}: ${result}`;
  return [head, ...violations.map(({ kind, detail }) => `  ${kind}: ${detail}`)].join('\n');
}

export function describeRun(reports: readonly RoundReport[], slopes: readonly Slope[]): string {
  const names = [...new Set(reports.map(({ fault }) => fault))].sort();
  const rows = names.map((name) => [name, ...toRow(reports.filter(({ fault }) => fault === name))]);
  const note = 'recovered, caught up, longest wait (from the receipt until it was visible): the longest of all rounds';
  const table = renderTable({ title: 'Faults', columns, rows: [...rows, ['all', ...toRow(reports)]], note });
  return [table, describeAverage(reports), ...slopes.map(describeSlope)].join('\n');
}

function describeAverage(reports: readonly RoundReport[]): string {
  const average = (duration: (durations: RoundDurations) => number) =>
    reports.reduce((sum, { durations }) => sum + duration(durations), 0) / Math.max(1, reports.length);
  const durations: RoundDurations = {
    faultMs: average(({ faultMs }) => faultMs),
    settlingMs: average(({ settlingMs }) => settlingMs),
    checkMs: average(({ checkMs }) => checkMs),
    totalMs: average(({ totalMs }) => totalMs),
  };
  return `a round took ${describeDurations(durations)} on average`;
}

function describeDurations({ faultMs, settlingMs, checkMs, totalMs }: RoundDurations): string {
  const parts = `fault ${formatSeconds(faultMs)}, settling ${formatSeconds(settlingMs)}, check ${formatSeconds(checkMs)}`;
  return `${formatSeconds(totalMs)} (${parts})`;
}

function toRow(reports: readonly RoundReport[]): string[] {
  const violations = reports.flatMap((report) => report.violations);
  const sum = (value: (report: RoundReport) => number) => reports.reduce((total, report) => total + value(report), 0);
  return [
    String(reports.length),
    String(sum(({ accepted }) => accepted)),
    String(sum(({ acceptedByPostgres }) => acceptedByPostgres)),
    String(countUpdates(violations, 'lost')),
    String(countUpdates(violations, 'duplicated')),
    String(violations.filter(({ kind }) => kind !== 'lost' && kind !== 'duplicated').length),
    formatSeconds(findLongest(reports.map(({ recoveredMs }) => recoveredMs))),
    formatSeconds(findLongest(reports.map(({ caughtUpMs }) => caughtUpMs))),
    formatSeconds(findLongest(reports.map(({ longestWaitMs }) => longestWaitMs))),
  ];
}

function countUpdates(violations: readonly Violation[], kind: ViolationKind): number {
  return violations.reduce((total, violation) => total + (violation.kind === kind ? violation.count : 0), 0);
}

function findLongest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}

function formatSeconds(ms: number | undefined): string {
  if (ms === undefined) return '–';
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(2)} s` : 'never';
}

/** What the devices sent and received. */
export function describeTraffic(pools: readonly DevicePool[]): string {
  const sum = (count: (pool: DevicePool) => number) => pools.reduce((total, pool) => total + count(pool), 0);
  const statuses = [...new Set(pools.flatMap(({ ledger }) => [...ledger.statuses.keys()]))];
  const responses = statuses.map((status) => {
    const count = sum(({ ledger }) => ledger.statuses.get(status) ?? 0);
    return `${status || 'none'}: ${count}`;
  });
  return [
    `${sum(({ ledger }) => ledger.entries.length)} updates`,
    `${sum(({ ledger }) => ledger.resends)} resends`,
    `${sum(({ ledger }) => ledger.unknownCursors)} unknown cursors`,
    `${sum(({ devices }) => devices.reduce((total, { reconnects }) => total + reconnects, 0))} reconnects`,
    `${sum(({ devices }) => devices.reduce((total, { restarts }) => total + restarts, 0))} devices killed`,
    `responses ${responses.join(', ')}`,
  ].join(', ');
}
