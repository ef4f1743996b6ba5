/**
 * One made-up device: sends its batches in order, one at a time, and each until it is accepted, so that all up to
 * `accepted` must be found in the log. At a rate, times are measured from when a batch was due: a slow answer makes the
 * next ones late, and that shows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FieldId } from '../../shared/field/ids.ts';
import { type Answer, postUpdates } from './api-client.ts';
import { noteRefusal, type Tally } from './counts.ts';
import { makeUpdates } from './generate-updates.ts';
import type { Credentials, LoadOrder } from './load-plan.ts';

const longestPauseMs = 5000;
const unansweredPauseMs = 250;

export interface Sender {
  readonly credentials: Credentials;
  readonly field: FieldId;
  /** The highest counter that was accepted. */
  accepted: number;
  /** When each batch was first due, by its place. */
  readonly dueAt: number[];
}

interface Schedule {
  readonly startsAt: number;
  readonly endsAt: number;
  /** Between two batches; 0 is at once. */
  readonly intervalMs: number;
}

/** Resolves when the time is over, or when trying again would not help. */
export async function send(sender: Sender, order: LoadOrder, schedule: Schedule, tally: Tally): Promise<void> {
  const { url, batch, signal } = order;
  let seen = 0;
  const isOver = () => signal.aborted || performance.now() >= schedule.endsAt;
  for (let place = 0; ; place += 1) {
    const now = performance.now();
    const due = schedule.intervalMs > 0 ? schedule.startsAt + place * schedule.intervalMs : now;
    if (due >= schedule.endsAt) return;
    if (due > now) await delay(due - now, undefined, { signal }).catch(() => undefined);
    if (isOver()) return;
    sender.dueAt.push(due);
    const run = { device: sender.credentials.deviceId, first: place * batch + 1, length: batch, seen };
    const updates = makeUpdates(run, Date.now());
    const post = () => postUpdates(url, sender.field, sender.credentials, updates);
    for (let startedAt = due; ; startedAt = performance.now()) {
      const answer = await post();
      if (answer.kind === 'accepted') {
        tally.accept.record(performance.now() - startedAt);
        tally.accepted += batch;
        sender.accepted += batch;
        seen = Math.max(seen, answer.version);
        break;
      }
      const pauseMs = noteFailure(answer, tally);
      if (pauseMs === undefined || isOver()) return;
      await delay(Math.min(pauseMs, longestPauseMs), undefined, { signal }).catch(() => undefined);
    }
    if ((place * order.twicePercent) % 100 < order.twicePercent && (await post()).kind === 'accepted') {
      tally.sentTwice += batch;
    }
  }
}

/** How long to wait before trying again; undefined when that would not help. */
function noteFailure(answer: Exclude<Answer, { kind: 'accepted' }>, tally: Tally): number | undefined {
  if (answer.kind === 'unanswered') {
    tally.unanswered += 1;
    return unansweredPauseMs;
  }
  noteRefusal(tally, answer.code);
  if (answer.retryAfterMs === undefined) tally.gaveUp += 1;
  return answer.retryAfterMs;
}
