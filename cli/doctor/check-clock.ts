/** Compares another machine's clock with this one's. */
import { type Finding, finding, type Subject } from './findings.ts';

/** The clock tolerance of token verification. */
const toleranceMs = 5000;

export interface TimedResult<T> {
  readonly value: T;
  /** The duration of the request. */
  readonly durationMs: number;
  /** This machine's clock half way between request and response. */
  readonly localTimeMs: number;
}

export async function timeRequest<T>(request: () => Promise<T>): Promise<TimedResult<T>> {
  const startedAt = performance.now();
  const startedAtMs = Date.now();
  const value = await request();
  const durationMs = performance.now() - startedAt;
  return { value, durationMs, localTimeMs: startedAtMs + durationMs / 2 };
}

/** @param remoteTimeMs the other clock's time, in ms since the epoch */
export function checkClock(
  subject: Subject,
  remoteTimeMs: number,
  { localTimeMs, durationMs }: Omit<TimedResult<unknown>, 'value'>,
): Finding[] {
  const offsetMs = remoteTimeMs - localTimeMs;
  if (Math.abs(offsetMs) <= toleranceMs + durationMs / 2) return [];
  const direction = offsetMs > 0 ? 'ahead of' : 'behind';
  return [
    finding(
      subject,
      'clock_skew',
      `its clock is ${Math.round(Math.abs(offsetMs) / 1000)} s ${direction} this machine's`,
    ),
  ];
}
