/**
 * The door for updates, before their body is read: what is turned away under load must cost next to nothing, and keep no
 * reader waiting.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import { maxRequestBytes } from '../../shared/contract/wire.ts';
import { type AdmissionControl, createOverloadedError } from './admission-control.ts';
import { FairAdmissionQueue } from './fair-admission-queue.ts';

/** For its turn; the answer takes longer. */
const maxWaitMs = 2000;
/** A timer is good to a millisecond or so; and a process that was held for seconds has rested enough. */
const pauseMs = { min: 2, max: 50 };

/** @returns a hook that throws FieldError `overloaded` */
export function createAdmissionHook(admission: AdmissionControl) {
  const queue = new FairAdmissionQueue({ pause: createDutyCycle(admission), maxWaitMs });
  return async (request: FastifyRequest): Promise<void> => {
    if (!(await queue.acquire())) throw createOverloadedError();
    admission.assertCapacity();
    const declared = Number(request.headers['content-length'] ?? maxRequestBytes);
    admission.inFlight.reserve(request, Math.min(declared, maxRequestBytes));
  };
}

/**
 * As long as it has worked, while the queue is long: taking in faster than is applied would only make it longer. So half of
 * the time is left to those who read, and to the workers of a machine that they share. To turn away is no work.
 */
export function createDutyCycle(admission: Pick<AdmissionControl, 'isCongested' | 'isOverloaded'>) {
  let busyMs = 0;
  return (elapsedMs: number): Promise<void> | undefined => {
    busyMs = admission.isCongested && !admission.isOverloaded ? busyMs + elapsedMs : 0;
    if (busyMs < pauseMs.min) return undefined;
    const durationMs = Math.min(busyMs, pauseMs.max);
    busyMs = 0;
    return delay(durationMs);
  };
}
