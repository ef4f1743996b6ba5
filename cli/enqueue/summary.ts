/** What an enqueueing says at its end, as a table or as JSON, on standard output. */
import type { FieldId } from '../../shared/field/ids.ts';
import { renderTable } from '../output/render-table.ts';
import type { Tally } from './counts.ts';
import type { LineReport } from './input/line-report.ts';

export interface Result {
  readonly tally: Tally;
  readonly report: LineReport;
  readonly seconds: number;
  /** Whether the input was taken in to its end. */
  readonly complete: boolean;
  /** Of the field, at the end; undefined when nothing was asked of it. */
  readonly version?: number;
}

interface Form {
  readonly field: FieldId;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function printSummary(result: Result, form: Form): void {
  const { tally, report, complete, version } = result;
  const seconds = Math.round(result.seconds * 10) / 10;
  const updatesPerSecond = Math.round((tally.accepted + tally.duplicates) / result.seconds);
  const problems = report.shown;
  if (form.dryRun) {
    const { lines, refused } = tally;
    const counts = { lines, good: lines - refused, refused };
    if (form.json) console.log(JSON.stringify({ ...counts, complete, problems }));
    else console.log(`${counts.lines} lines: ${counts.good} good, ${counts.refused} refused; nothing was sent`);
  } else if (form.json) {
    const { field } = form;
    console.log(JSON.stringify({ field, version, ...tally, seconds, updatesPerSecond, complete, problems }));
  } else {
    const at = version === undefined ? '' : `version ${version}`;
    const time = [`${seconds} s`, `${updatesPerSecond} updates/s`] as const;
    console.log(renderTable([...toRows(tally), ['field', form.field, at], ['time', ...time]]));
  }
}

function toRows(tally: Tally): string[][] {
  const notes: [keyof Tally, string][] = [
    ['lines', ''],
    ['accepted', `in ${tally.jobs} jobs`],
    ['applied', ''],
    ['conflicts', 'of the applied: met a concurrent write'],
    ['superseded', "of the applied: the device's own older write, come late"],
    ['duplicates', 'applied before, not sent again'],
    ['reused', 'the counter stands for another content: not applied'],
    ['refused', 'told above, by line'],
    ['adjusted', 'timestamps from the future, brought down'],
  ];
  return notes.map(([name, note]) => [name, String(tally[name]), tally[name] > 0 ? note : '']);
}
