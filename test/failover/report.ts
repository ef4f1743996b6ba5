/** The output of a run: one line per round, and a table by topology and fault. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { renderTable } from '../../bench/report/table.ts';
import { findPostgresBinaries } from '../../dev/postgres/binaries.ts';
import type { RoundReport } from './round.ts';

const columns = [
  'topology',
  'fault',
  'rounds',
  'accepted',
  'lost',
  'doubled',
  'other',
  'sent again',
  'taken over',
  'accepted again',
  'applied again',
  'longest wait',
  'noticed',
  'receipts said',
];

export function describeRound(report: RoundReport): string {
  const { topology, fault, notes, accepted, resent, takeoverMs, acceptedAgainMs, appliedAgainMs, violations } = report;
  const head = [
    `${topology}, ${fault} (${notes.join('; ')}): ${accepted} accepted, ${resent} sent again`,
    `taken over ${formatSeconds(takeoverMs)}, accepted again ${formatSeconds(acceptedAgainMs)}`,
    `applied again ${formatSeconds(appliedAgainMs)}: ${violations.length === 0 ? 'ok' : 'FAILED'}`,
  ].join(', ');
  return [head, ...violations.map(({ kind, detail }) => `  ${kind}: ${detail}`)].join('\n');
}

export function describeReports(reports: readonly RoundReport[]): string {
  const names = [...new Set(reports.map(({ topology, fault }) => `${topology}\n${fault}`))].sort();
  const rows = names.map((name) => {
    const own = reports.filter(({ topology, fault }) => `${topology}\n${fault}` === name);
    return [...name.split('\n'), ...toRow(own)];
  });
  const note =
    'times: from the fault, the longest of all rounds; applied again: in the field that took longest; noticed: from the takeover until the last watcher knew that its history had ended';
  return renderTable({ title: 'Failover', columns, rows, note });
}

function toRow(reports: readonly RoundReport[]): string[] {
  const violations = reports.flatMap((report) => report.violations);
  const count = (wanted: string) =>
    violations.reduce((total, { kind, count }) => total + (kind === wanted ? count : 0), 0);
  const sum = (value: (report: RoundReport) => number) => reports.reduce((total, report) => total + value(report), 0);
  const longest = (value: (report: RoundReport) => number | undefined) => {
    const known = reports.map(value).filter((time) => time !== undefined);
    return formatSeconds(known.length > 0 ? Math.max(...known) : undefined);
  };
  const levels = [...new Set(reports.flatMap(({ receipts }) => Object.keys(receipts)))].sort();
  return [
    String(reports.length),
    String(sum(({ accepted }) => accepted)),
    String(count('lost')),
    String(count('duplicated')),
    String(violations.filter(({ kind }) => kind !== 'lost' && kind !== 'duplicated').length),
    String(sum(({ resent }) => resent)),
    longest(({ takeoverMs }) => takeoverMs),
    longest(({ acceptedAgainMs }) => acceptedAgainMs),
    longest(({ appliedAgainMs }) => appliedAgainMs),
    longest(({ longestWaitMs }) => longestWaitMs),
    longest(({ noticedMs }) => noticedMs),
    levels.map((level) => `${level} ${sum(({ receipts }) => receipts[level] ?? 0)}`).join(', '),
  ];
}

/** The servers of this machine, and the commit, so that a table can be compared with a later one. */
export async function describeVersions(): Promise<string> {
  const read = async (command: string, ...args: string[]) => {
    const { stdout } = await promisify(execFile)(command, args).catch(() => ({ stdout: 'unknown' }));
    return stdout.trim();
  };
  const { postgres } = await findPostgresBinaries();
  const redis = /v=(\S+)/.exec(await read('redis-server', '--version'))?.[1] ?? 'unknown';
  const commit = await read('git', 'rev-parse', '--short', 'HEAD');
  return `commit ${commit}, Node ${process.versions.node}, Redis ${redis}, ${await read(postgres, '--version')}`;
}

function formatSeconds(ms: number | undefined): string {
  if (ms === undefined || Number.isNaN(ms)) return '–';
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(1)} s` : 'never';
}
