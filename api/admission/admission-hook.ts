/**
 * Admits requests with updates before their body is read, so that refusing one under load costs little and reads stay fast.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import { maxRequestBytes } from '../../shared/contract/wire.ts';
import { type AdmissionControl, createOverloadedError } from './admission-control.ts';
import { FairAdmissionQueue } from './fair-admission-queue.ts';

/** The longest wait for admission; the response to an admitted request may take longer. */
const maxWaitMs = 2000;
/** Timers are accurate to a millisecond or so; the maximum bounds the pause after an event loop that was blocked. */
const pauseMs = { min: 2, max: 50 };

/**
 * @param maxBytes of a body; also counted for a request that does not declare its length
 * @returns an `onRequest` hook that throws FieldError `overloaded`
 */
export function createAdmissionHook(admission: AdmissionControl, maxBytes = maxRequestBytes) {
  const queue = new FairAdmissionQueue({ pause: createDutyCycle(admission), maxWaitMs });
  return async (request: FastifyRequest): Promise<void> => {
    if (!(await queue.acquire())) throw createOverloadedError('admissionWait');
    admission.assertCapacity();
    const declaredBytes = Number(request.headers['content-length'] ?? maxBytes);
    admission.inFlight.reserve(request, Math.min(declaredBytes, maxBytes));
  };
}

/**
 * Duty cycling while the queue is congested: after each stretch of admitting, pauses as long as that took, which leaves half
 * of the time to reads and to workers on the same machine. No pause while everything is refused, because refusing is cheap.
 * @returns a function of the duration of a tick: the pause to wait for after it, or undefined if the next may follow at once
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
