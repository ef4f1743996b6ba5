/** Describes the measured steps as lines and as a table. */
import type { Table } from '../bench.ts';
import { format } from '../measure/statistics.ts';
import type { MeasuredStep } from './step-process.ts';

export function describeStep(step: MeasuredStep): string {
  const { title, seconds, peakRssMb, peakPostgresMb } = step;
  return `${title.padEnd(25)} ${format(seconds, 1).padStart(8)} s  ${describeRate(step).padStart(8)} updates/s  peak ${peakRssMb} MB (PostgreSQL ${peakPostgresMb} MB)  ${describeResult(step)}`;
}

export function stepsTable(
  steps: readonly MeasuredStep[],
  { updates, fields }: { readonly updates: number; readonly fields: number },
): Table {
  return {
    title: `A log of ${format(updates)} updates in ${fields === 1 ? 'one field' : `${fields} fields`}`,
    columns: ['step', 'seconds', 'updates/s', 'peak MB', 'peak MB of PostgreSQL', 'result'],
    rows: steps.map((step) => [
      step.title,
      format(step.seconds, 1),
      describeRate(step),
      step.peakRssMb,
      step.peakPostgresMb,
      describeResult(step),
    ]),
    note: 'Each step is a process of its own. The memory of PostgreSQL is that of all its processes without shared buffers.',
  };
}

/** Of the steps that go through the whole log. */
function describeRate({ seconds, result }: MeasuredStep): string {
  const { updates, pruneSeconds = seconds } = result;
  // A refused restore has none.
  return updates === undefined ? '–' : format(Number(updates) / Number(pruneSeconds));
}

function describeResult({ result }: MeasuredStep): string {
  return Object.entries(result)
    .filter(([name]) => name !== 'path')
    .map(
      ([name, value]) =>
        `${name} ${typeof value === 'number' ? format(value, Number.isInteger(value) ? 0 : 1) : value}`,
    )
    .join(', ');
}
