/** The report of a load for people. */
import { renderTable } from '../output/render-table.ts';
import type { LatencySummary } from './latencies.ts';
import type { LoadReport } from './run-load.ts';

export function renderReport(report: LoadReport): string {
  const refused = Object.entries(report.refused).map(([code, count]) => [`refused: ${code}`, `${count} requests`]);
  const rows = [
    ['accepted', String(report.accepted)],
    ['applied', `${report.applied} in ${report.seconds} s, ${report.updatesPerSecond} a second`],
    ['lost', String(report.lost)],
    ['doubled', String(report.doubled)],
    ...(report.sentTwice > 0 ? [['sent twice', String(report.sentTwice)]] : []),
    ...refused,
    ...(report.unanswered > 0 ? [['unanswered', `${report.unanswered} requests`]] : []),
    ...(report.devicesThatGaveUp > 0 ? [['gave up', `${report.devicesThatGaveUp} devices`]] : []),
    ['POST to 202', describe(report.acceptMs)],
    ['POST to delta', describe(report.deltaMs)],
  ];
  return renderTable(rows);
}

function describe(summary: LatencySummary | undefined): string {
  if (!summary) return 'none';
  const { count, p50, p99, max } = summary;
  return `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (${count})`;
}
