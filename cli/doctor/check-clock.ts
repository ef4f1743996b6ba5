/** Whether another machine's clock agrees with ours. */
import { type Finding, finding, type Subject } from './findings.ts';

/** What the check of tokens tolerates. */
const toleranceMs = 5000;

export interface TimedResult<T> {
  readonly value: T;
  /** How long the answer took. */
  readonly durationMs: number;
  /** Our own clock, half way between question and answer. */
  readonly localTimeMs: number;
}

export async function timeRequest<T>(request: () => Promise<T>): Promise<TimedResult<T>> {
  const startedAt = performance.now();
  const startedAtMs = Date.now();
  const value = await request();
  const durationMs = performance.now() - startedAt;
  return { value, durationMs, localTimeMs: startedAtMs + durationMs / 2 };
}

/** @param remoteTimeMs what the other clock said, in ms */
export function checkClock(
  subject: Subject,
  remoteTimeMs: number,
  { localTimeMs, durationMs }: Omit<TimedResult<unknown>, 'answer'>,
): Finding[] {
  const offsetMs = remoteTimeMs - localTimeMs;
  if (Math.abs(offsetMs) <= toleranceMs + durationMs / 2) return [];
  const direction = offsetMs > 0 ? 'ahead of' : 'behind';
  return [
    finding(subject, 'clock_differs', `its clock is ${Math.round(Math.abs(offsetMs) / 1000)} s ${direction} ours`),
  ];
}
