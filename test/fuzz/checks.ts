/** Checks of the system after all requests: memory, fields and logs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchStack } from '../../bench/stack/bench-stack.ts';
import { waitUntil } from '../support/wait-until.ts';

type ReportViolation = (violation: string) => void;

export const processNames = ['API 1', 'worker 1'] as const;
/** Allowance for a heap that has grown under load; leaking 20,000 requests would exceed it many times. */
const maxGrowthMb = 150;

export const readMemory = ({ usage }: BenchStack): readonly number[] =>
  processNames.map((name) => usage.readMemoryMb(name));

/** Waits until each process has released its memory, and reports those that have not. @returns memory in MB */
export async function checkMemory(
  stack: BenchStack,
  before: readonly number[],
  reportViolation: ReportViolation,
): Promise<readonly number[]> {
  const isReleased = () =>
    readMemory(stack).every((now, index) => now > 0 && now <= (before[index] ?? 0) + maxGrowthMb);
  const after = await waitUntil('memory is released', isReleased, { timeoutMs: 60_000, intervalMs: 500 }).then(
    () => readMemory(stack),
    () => readMemory(stack),
  );
  after.forEach((now, index) => {
    const from = before[index] ?? 0;
    if (now === 0) reportViolation(`${processNames[index]} is not running`);
    else if (now > from + maxGrowthMb)
      reportViolation(`${processNames[index]} grew from ${formatMb(from)} to ${formatMb(now)}`);
  });
  return after;
}

export const formatMb = (value: number) => `${Math.round(value)} MB`;

/** Reports every field that an invalid request has created or changed. */
export async function checkFields(
  { db }: BenchStack,
  validField: string,
  reportViolation: ReportViolation,
): Promise<void> {
  const { rows } = await db.query<{ id: string; version: string }>(
    'select field_id as id, version from consciousness_states',
  );
  for (const { id, version } of rows) {
    if (id !== validField && Number(version) !== 0)
      reportViolation(`${id} is at version ${version}: an invalid update was applied`);
    if (id.startsWith('fuzz-')) reportViolation(`${id} was created`);
  }
}

/** Reports lines of level error or above, and lines that are not JSON, which Node prints in a crash. @returns the number of lines */
export function checkLogs({ folder }: BenchStack, reportViolation: ReportViolation): number {
  const lines = ['api 1.log', 'worker 1.log'].flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
  for (const line of lines) {
    const level = line.startsWith('{') ? /^\{"level":(\d+)/.exec(line)?.[1] : line && '60';
    if (Number(level) >= 50 || /unhandledRejection|uncaughtException/.test(line))
      reportViolation(`log: ${line.slice(0, 600)}`);
  }
  return lines.length;
}
