/** The dry run: reads and validates every line, and sends nothing. Needs neither the queue nor the database. */
import type { EnqueueCounts } from '../counts.ts';
import type { LineReport } from './line-report.ts';
import type { LineInput } from './open-inputs.ts';
import type { ParseLine } from './parse-line.ts';
import type { Line } from './read-lines.ts';

export interface DryRunDeps {
  readonly inputs: readonly LineInput[];
  readonly readRecords: (input: LineInput, signal: AbortSignal) => AsyncIterable<Line[]>;
  readonly parse: ParseLine;
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly signal: AbortSignal;
}

/** @returns whether all inputs were read to the end */
export async function dryRun({ inputs, readRecords, parse, counts, report, signal }: DryRunDeps): Promise<boolean> {
  for (const input of inputs) {
    for await (const lines of readRecords(input, signal)) {
      for (const line of lines) {
        counts.lines += 1;
        const parsed = parse(line);
        if ('skipped' in parsed) counts.skipped += 1;
        if (!('problem' in parsed)) continue;
        counts.refused += 1;
        report.add(parsed.location, parsed.problem);
      }
    }
  }
  return !signal.aborted;
}
