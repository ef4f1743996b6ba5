/** The summary of a run of `enqueue`, as a table or as JSON. */
import type { FieldId } from '../../shared/field/ids.ts';
import { renderTable } from '../output/render-table.ts';
import type { EnqueueCounts } from './counts.ts';
import type { LineReport } from './input/line-report.ts';

export interface EnqueueSummary {
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly seconds: number;
  /** Whether the input was processed to the end. */
  readonly complete: boolean;
  /** The version of the field at the end; undefined for a dry run. */
  readonly version?: number;
}

interface SummaryOptions {
  readonly field: FieldId;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function renderSummary(summary: EnqueueSummary, options: SummaryOptions): string {
  return options.dryRun ? renderDryRun(summary, options) : renderRun(summary, options);
}

function renderDryRun({ counts, report, complete }: EnqueueSummary, { json }: SummaryOptions): string {
  const { lines, refused } = counts;
  const good = lines - refused;
  if (json) return JSON.stringify({ lines, good, refused, complete, problems: report.shown });
  return `${lines} lines: ${good} valid, ${refused} rejected; nothing was sent`;
}

function renderRun({ counts, report, complete, version, ...summary }: EnqueueSummary, options: SummaryOptions): string {
  const { field, json } = options;
  const seconds = Math.round(summary.seconds * 10) / 10;
  const updatesPerSecond = Math.round((counts.accepted + counts.duplicates) / summary.seconds);
  if (json) {
    return JSON.stringify({ field, version, ...counts, seconds, updatesPerSecond, complete, problems: report.shown });
  }
  const at = version === undefined ? '' : `version ${version}`;
  return renderTable([
    ...toRows(counts),
    ['field', field, at],
    ['time', `${seconds} s`, `${updatesPerSecond} updates/s`],
  ]);
}

function toRows(counts: EnqueueCounts): string[][] {
  const notes: [keyof EnqueueCounts, string][] = [
    ['lines', ''],
    ['accepted', `in ${counts.jobs} jobs`],
    ['applied', ''],
    ['conflicts', 'applied, in conflict with a concurrent write'],
    ['superseded', 'applied, but older than a write of the same device'],
    ['duplicates', 'applied before, not sent again'],
    ['reused', 'not applied: the counter was used with different content'],
    ['refused', 'rejected, see the lines above'],
    ['adjusted', 'timestamps in the future, clamped to now'],
  ];
  return notes.map(([name, note]) => [name, String(counts[name]), counts[name] > 0 ? note : '']);
}
