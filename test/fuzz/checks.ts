/** What must hold of the system itself once all is sent. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchStack } from '../../bench/stack/bench-stack.ts';
import { waitUntil } from '../support/wait-until.ts';

type ReportViolation = (violation: string) => void;

export const watched = ['API 1', 'worker 1'] as const;
/** A heap that has grown under load gives its pages back late; a leak of 20,000 requests would hold far more. */
const maxGrowthMb = 150;

export const readMemory = ({ usage }: BenchStack): readonly number[] => watched.map((name) => usage.readMemoryMb(name));

/** What every process holds when nothing has moved for a while. */
export async function checkMemory(
  stack: BenchStack,
  before: readonly number[],
  reportViolation: ReportViolation,
): Promise<readonly number[]> {
  const hasShrunk = () => readMemory(stack).every((now, index) => now > 0 && now <= (before[index] ?? 0) + maxGrowthMb);
  const after = await waitUntil('memory is given back', hasShrunk, { timeoutMs: 60_000, intervalMs: 500 }).then(
    () => readMemory(stack),
    () => readMemory(stack),
  );
  after.forEach((now, index) => {
    const from = before[index] ?? 0;
    if (now === 0) reportViolation(`${watched[index]} has ended`);
    else if (now > from + maxGrowthMb)
      reportViolation(`${watched[index]} grew from ${formatMb(from)} to ${formatMb(now)}`);
  });
  return after;
}

export const formatMb = (value: number) => `${Math.round(value)} MB`;

/** Every field that has ever been written to. */
export async function checkFields(
  { db }: BenchStack,
  written: string,
  reportViolation: ReportViolation,
): Promise<void> {
  const { rows } = await db.query<{ id: string; version: string }>(
    'select field_id as id, version from consciousness_states',
  );
  for (const { id, version } of rows) {
    if (id !== written && Number(version) !== 0)
      reportViolation(`${id} is at version ${version}: something bad was applied`);
    if (id.startsWith('fuzz-')) reportViolation(`${id} has come into being`);
  }
}

/** Lines of level error or above, and whatever is no line of the log at all: what Node says of a crash. */
export function checkLogs({ folder }: BenchStack, reportViolation: ReportViolation): number {
  const lines = ['api 1.log', 'worker 1.log'].flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
  for (const line of lines) {
    const level = line.startsWith('{') ? /^\{"level":(\d+)/.exec(line)?.[1] : line && '60';
    if (Number(level) >= 50 || /unhandledRejection|uncaughtException/.test(line))
      reportViolation(`log: ${line.slice(0, 600)}`);
  }
  return lines.length;
}
