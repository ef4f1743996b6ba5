/**
 * The door for updates, before their body is read: what is turned away under load must cost next to nothing, and keep no
 * reader waiting.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import { maxRequestBytes } from '../../shared/contract/wire.ts';
import { type Backlog, overloaded } from './admission-control.ts';
import { IntakeTurns } from './fair-admission-queue.ts';

/** For its turn; the answer takes longer. */
const maxWaitMs = 2000;
/** A timer is good to a millisecond or so; and a process that was held for seconds has rested enough. */
const restMs = { least: 2, most: 50 };

/** @returns a hook that throws FieldError `overloaded` */
export function admitWhileThereIsRoom(backlog: Backlog) {
  const turns = new IntakeTurns({ rest: createRest(backlog), maxWaitMs });
  return async (request: FastifyRequest): Promise<void> => {
    if (!(await turns.take())) throw overloaded();
    backlog.check();
    const declared = Number(request.headers['content-length'] ?? maxRequestBytes);
    backlog.inHand.take(request, Math.min(declared, maxRequestBytes));
  };
}

/**
 * As long as it has worked, while the queue is long: taking in faster than is applied would only make it longer. So half of
 * the time is left to those who read, and to the workers of a machine that they share. To turn away is no work.
 */
export function createRest(backlog: Pick<Backlog, 'isLong' | 'isFull'>) {
  let workedMs = 0;
  return (tookMs: number): Promise<void> | undefined => {
    workedMs = backlog.isLong && !backlog.isFull ? workedMs + tookMs : 0;
    if (workedMs < restMs.least) return undefined;
    const ms = Math.min(workedMs, restMs.most);
    workedMs = 0;
    return delay(ms);
  };
}
