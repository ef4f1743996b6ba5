/** The dry run: every line is read and checked, and nothing is sent. Needs neither the queue nor the log. */

import type { EnqueueCounts } from '../counts.ts';
import type { LineReport } from './line-report.ts';
import type { ParseLine } from './parse-line.ts';
import { readLines } from './read-lines.ts';

export interface DryRunDeps {
  readonly files: readonly string[];
  readonly parse: ParseLine;
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly signal: AbortSignal;
}

/** @returns whether the input was read to its end */
export async function dryRun({ files, parse, counts, report, signal }: DryRunDeps): Promise<boolean> {
  for (const file of files) {
    for await (const lines of readLines(file, signal)) {
      for (const line of lines) {
        counts.lines += 1;
        const parsed = parse(line);
        if (!('problem' in parsed)) continue;
        counts.refused += 1;
        report.add(parsed.location, parsed.problem);
      }
    }
  }
  return !signal.aborted;
}
