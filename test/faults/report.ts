/** What a run prints: a line a round, and the table at its end. */
import { describeSlope, type Slope } from './checker/leaks.ts';
import type { Violation, ViolationKind } from './checker/violation.ts';
import type { RoundReport } from './round.ts';

export function describeRound(round: number, report: RoundReport): string {
  const { fault, accepted, recoveredMs, caughtUpMs, durationMs, violations } = report;
  const times = `recovered ${formatSeconds(recoveredMs)}, caught up ${formatSeconds(caughtUpMs)}`;
  const verdict = violations.length === 0 ? 'ok' : 'FAILED';
  const head = `round ${round}: ${fault}, ${accepted} accepted, ${times}, took ${formatSeconds(durationMs)}: ${verdict}`;
  return [head, ...violations.map(({ kind, detail }) => `  ${kind}: ${detail}`)].join('\n');
}

export function describeRun(reports: readonly RoundReport[], slopes: readonly Slope[]): string {
  const names = [...new Set(reports.map(({ fault }) => fault))].sort();
  const rows = names.map((name) => [name, ...rowOf(reports.filter(({ fault }) => fault === name))]);
  const head = ['fault', 'times', 'accepted', 'by postgres', 'lost', 'doubled', 'disagreed', 'recovered', 'caught up'];
  const table = renderTable([head, ...rows, ['all', ...rowOf(reports)]]);
  return [table, '', 'recovered, caught up: the worst of the rounds', ...slopes.map(describeSlope)].join('\n');
}

function rowOf(reports: readonly RoundReport[]): string[] {
  const violations = reports.flatMap((report) => report.violations);
  const sum = (value: (report: RoundReport) => number) => reports.reduce((total, report) => total + value(report), 0);
  const lost = countOf(violations, 'lost');
  const doubled = countOf(violations, 'doubled');
  return [
    String(reports.length),
    String(sum(({ accepted }) => accepted)),
    String(sum(({ acceptedByPostgres }) => acceptedByPostgres)),
    String(lost),
    String(doubled),
    String(violations.filter(({ kind }) => kind !== 'lost' && kind !== 'doubled').length),
    formatSeconds(describeWorst(reports.map(({ recoveredMs }) => recoveredMs))),
    formatSeconds(describeWorst(reports.map(({ caughtUpMs }) => caughtUpMs))),
  ];
}

function countOf(violations: readonly Violation[], wanted: ViolationKind): number {
  return violations.reduce((total, { kind, count }) => total + (kind === wanted ? count : 0), 0);
}

function describeWorst(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}

function formatSeconds(ms: number | undefined): string {
  if (ms === undefined) return '–';
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(2)} s` : 'never';
}

function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const render = (row: readonly string[]) =>
    `| ${row.map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const [head = [], ...body] = rows;
  return [render(head), rule, ...body.map(render)].join('\n');
}
