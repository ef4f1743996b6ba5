/** Whether another machine's clock agrees with ours. */
import { type Finding, found, type Subject } from './findings.ts';

/** What the check of tokens tolerates. */
const toleranceMs = 5000;

export interface Reading<T> {
  readonly answer: T;
  /** How long the answer took. */
  readonly tookMs: number;
  /** Our own clock, half way between question and answer. */
  readonly at: number;
}

export async function measure<T>(ask: () => Promise<T>): Promise<Reading<T>> {
  const startedAt = performance.now();
  const at = Date.now();
  const answer = await ask();
  const tookMs = performance.now() - startedAt;
  return { answer, tookMs, at: at + tookMs / 2 };
}

/** @param now what the other clock said, in ms */
export function checkClock(subject: Subject, now: number, { at, tookMs }: Omit<Reading<unknown>, 'answer'>): Finding[] {
  const ahead = now - at;
  if (Math.abs(ahead) <= toleranceMs + tookMs / 2) return [];
  const direction = ahead > 0 ? 'ahead of' : 'behind';
  return [found(subject, 'clock_differs', `its clock is ${Math.round(Math.abs(ahead) / 1000)} s ${direction} ours`)];
}
