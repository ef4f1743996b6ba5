/** Measures how busy the event loop of this process is. */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** Shorter windows would measure single requests. */
const windowMs = 100;

export class EventLoopLoad {
  #start: EventLoopUtilization = performance.eventLoopUtilization();
  #startedAt = performance.now();
  #load = 0;

  /** The share of the last window in which the loop was not idle, from 0 to 1. */
  read(): number {
    const now = performance.now();
    if (now - this.#startedAt < windowMs) return this.#load;
    const current = performance.eventLoopUtilization();
    this.#load = performance.eventLoopUtilization(current, this.#start).utilization;
    this.#start = current;
    this.#startedAt = now;
    return this.#load;
  }
}
