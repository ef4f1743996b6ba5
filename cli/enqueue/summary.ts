/** What an enqueueing says at its end, as a table or as JSON, on standard output. */
import type { FieldId } from '../../shared/field/ids.ts';
import { renderTable } from '../output/render-table.ts';
import type { EnqueueCounts } from './counts.ts';
import type { LineReport } from './input/line-report.ts';

export interface EnqueueSummary {
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly seconds: number;
  /** Whether the input was taken in to its end. */
  readonly complete: boolean;
  /** Of the field, at the end; undefined when nothing was asked of it. */
  readonly version?: number;
}

interface SummaryOptions {
  readonly field: FieldId;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function printSummary(summary: EnqueueSummary, options: SummaryOptions): void {
  const { counts, report, complete, version } = summary;
  const seconds = Math.round(summary.seconds * 10) / 10;
  const updatesPerSecond = Math.round((counts.accepted + counts.duplicates) / summary.seconds);
  const problems = report.shown;
  if (options.dryRun) {
    const { lines, refused } = counts;
    const lineCounts = { lines, good: lines - refused, refused };
    if (options.json) console.log(JSON.stringify({ ...lineCounts, complete, problems }));
    else
      console.log(
        `${lineCounts.lines} lines: ${lineCounts.good} good, ${lineCounts.refused} refused; nothing was sent`,
      );
  } else if (options.json) {
    const { field } = options;
    console.log(JSON.stringify({ field, version, ...counts, seconds, updatesPerSecond, complete, problems }));
  } else {
    const at = version === undefined ? '' : `version ${version}`;
    const time = [`${seconds} s`, `${updatesPerSecond} updates/s`] as const;
    console.log(renderTable([...toRows(counts), ['field', options.field, at], ['time', ...time]]));
  }
}

function toRows(counts: EnqueueCounts): string[][] {
  const notes: [keyof EnqueueCounts, string][] = [
    ['lines', ''],
    ['accepted', `in ${counts.jobs} jobs`],
    ['applied', ''],
    ['conflicts', 'of the applied: met a concurrent write'],
    ['superseded', "of the applied: the device's own older write, come late"],
    ['duplicates', 'applied before, not sent again'],
    ['reused', 'the counter stands for another content: not applied'],
    ['refused', 'told above, by line'],
    ['adjusted', 'timestamps from the future, brought down'],
  ];
  return notes.map(([name, note]) => [name, String(counts[name]), counts[name] > 0 ? note : '']);
}
