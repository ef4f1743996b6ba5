/**
 * One simulated device: sends its batches in order, one at a time, and retries each until it is accepted, so that all
 * updates up to `accepted` must be in the log. At a fixed rate, latencies are measured from the time a batch was due, so
 * that a slow response also counts against the batches that it delays (no coordinated omission).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FieldId } from '../../shared/field/ids.ts';
import { postUpdates, type SubmitResult } from './api-client.ts';
import { type LoadCounts, recordRefusal } from './counts.ts';
import { generateUpdates } from './generate-updates.ts';
import type { Credentials, LoadPlan } from './load-plan.ts';

const maxDelayMs = 5000;
const unansweredDelayMs = 250;

export interface Sender {
  readonly credentials: Credentials;
  readonly field: FieldId;
  /** The highest counter that was accepted. */
  accepted: number;
  /** The time at which each batch was first due, by index. */
  readonly dueAt: number[];
}

interface Schedule {
  readonly startsAt: number;
  readonly endsAt: number;
  /** Between two batches; 0 means no pause. */
  readonly intervalMs: number;
}

/** Resolves when the time is over, or after an error that a retry cannot fix. */
export async function runSender(sender: Sender, plan: LoadPlan, schedule: Schedule, counts: LoadCounts): Promise<void> {
  const { url, batch, signal } = plan;
  let seen = 0;
  const isOver = () => signal.aborted || performance.now() >= schedule.endsAt;
  for (let index = 0; ; index += 1) {
    const now = performance.now();
    const due = schedule.intervalMs > 0 ? schedule.startsAt + index * schedule.intervalMs : now;
    if (due >= schedule.endsAt) return;
    if (due > now) await delay(due - now, undefined, { signal }).catch(() => undefined);
    if (isOver()) return;
    sender.dueAt.push(due);
    const options = { device: sender.credentials.deviceId, first: index * batch + 1, length: batch, seen };
    const updates = generateUpdates(options, Date.now());
    const post = () => postUpdates(url, sender.field, sender.credentials, updates);
    for (let startedAt = due; ; startedAt = performance.now()) {
      const answer = await post();
      if (answer.kind === 'accepted') {
        counts.accept.record(performance.now() - startedAt);
        counts.accepted += batch;
        sender.accepted += batch;
        seen = Math.max(seen, answer.version);
        break;
      }
      const pauseMs = recordFailure(answer, counts);
      if (pauseMs === undefined || isOver()) return;
      await delay(Math.min(pauseMs, maxDelayMs), undefined, { signal }).catch(() => undefined);
    }
    if (isResent(index, plan.resendPercent) && (await post()).kind === 'accepted') {
      counts.sentTwice += batch;
    }
  }
}

/** Spreads the batches that are sent twice evenly: `percent` of every hundred. */
function isResent(index: number, percent: number): boolean {
  return (index * percent) % 100 < percent;
}

/** The delay before the next attempt, or undefined when a retry cannot succeed. */
function recordFailure(answer: Exclude<SubmitResult, { kind: 'accepted' }>, counts: LoadCounts): number | undefined {
  if (answer.kind === 'unanswered') {
    counts.unanswered += 1;
    return unansweredDelayMs;
  }
  recordRefusal(counts, answer.code);
  if (answer.retryAfterMs === undefined) counts.gaveUp += 1;
  return answer.retryAfterMs;
}
