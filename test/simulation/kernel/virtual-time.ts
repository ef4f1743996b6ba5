/**
 * The event loop of a simulation. One event runs at a time, together with all promise reactions that it causes; then virtual
 * time jumps to the next event. Every event belongs to a process or to the simulation itself, and what it schedules belongs
 * to the same one, so that `current` is always the process whose code runs.
 */
import { EventQueue } from './event-queue.ts';
import type { SimProcess } from './sim-process.ts';

/** The real one: between two of its callbacks, Node runs all promise reactions. */
const yieldToReactions = globalThis.setImmediate;

export interface ScheduledEvent {
  readonly at: number;
  readonly order: number;
  readonly owner: SimProcess | undefined;
  readonly run: () => void;
  isCancelled: boolean;
}

export interface UncaughtError {
  readonly process: string;
  readonly error: unknown;
}

export class VirtualTime {
  readonly #events = new EventQueue<ScheduledEvent>();
  /** What was thrown by events and not caught: in production it would have ended the process. */
  readonly uncaught: UncaughtError[] = [];
  #now: number;
  #order = 0;
  #count = 0;
  #current: SimProcess | undefined;

  constructor(startsAt: number) {
    this.#now = startsAt;
  }

  /** In ms. */
  get now(): number {
    return this.#now;
  }

  /** How many events have run. */
  get eventCount(): number {
    return this.#count;
  }

  /** The process whose code is running; undefined for the simulation itself and the servers. */
  get current(): SimProcess | undefined {
    return this.#current;
  }

  /** Schedules an event of the current process. */
  schedule(delayMs: number, run: () => void): ScheduledEvent {
    return this.scheduleFor(this.#current, delayMs, run);
  }

  /**
   * Schedules an event of another process, or of the simulation itself. It is the only way to run code of a process: what
   * that code awaits goes on after the event that it began in.
   */
  scheduleFor(owner: SimProcess | undefined, delayMs: number, run: () => void): ScheduledEvent {
    this.#order += 1;
    const delay = Number.isFinite(delayMs) ? Math.max(0, delayMs) : 0;
    const event = { at: this.#now + delay, order: this.#order, owner, run, isCancelled: false };
    this.#events.push(event);
    return event;
  }

  resume(process: SimProcess): void {
    for (const run of process.resume()) this.scheduleFor(process, 0, run);
  }

  /** Runs events until the condition holds or `until` is reached. @returns whether the condition holds */
  runUntil(until: number, isDone: () => boolean = () => false): Promise<boolean> {
    return new Promise((resolve) => {
      const step = () => {
        if (isDone()) return resolve(true);
        if (!this.#runNext(until)) {
          this.#now = Math.max(this.#now, until);
          return resolve(isDone());
        }
        yieldToReactions(step);
      };
      yieldToReactions(step);
    });
  }

  /** @returns false when no event is due by `until` */
  #runNext(until: number): boolean {
    for (;;) {
      const next = this.#events.peek();
      if (!next || next.at > until) return false;
      this.#events.pop();
      if (next.isCancelled || next.owner?.state === 'killed') continue;
      this.#now = next.at;
      if (next.owner?.state === 'paused') {
        next.owner.hold(() => void (next.isCancelled || next.run()));
        continue;
      }
      this.#run(next);
      return true;
    }
  }

  #run({ owner, run }: ScheduledEvent): void {
    this.#count += 1;
    this.#current = owner;
    try {
      run();
    } catch (error) {
      this.uncaught.push({ process: owner?.name ?? 'simulation', error });
    }
  }
}
