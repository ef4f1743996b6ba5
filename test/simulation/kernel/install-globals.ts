/**
 * Replaces what gives code time and randomness, for this operating-system process and for good: timers, the clocks and the
 * random generators. Modules that import them by name from Node's own modules get the replacements too, since those
 * bindings are live (`syncBuiltinESMExports`). Without a simulation under way, everything behaves as before.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { ScheduledEvent, VirtualTime } from './virtual-time.ts';

interface Environment {
  readonly time: VirtualTime;
  readonly random: Random;
}

export interface VirtualGlobals {
  /** From now on, time and randomness are those of this simulation. */
  enter(environment: Environment): void;
  leave(): void;
}

/** What timers return: it can be cleared, and keeps no process alive. */
class VirtualTimer {
  event: ScheduledEvent | undefined;

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  clear(): void {
    if (this.event) this.event.isCancelled = true;
    this.event = undefined;
  }
}

type Callback = (...args: unknown[]) => void;

let installed: VirtualGlobals | undefined;

export function installVirtualGlobals(): VirtualGlobals {
  installed ??= install();
  return installed;
}

function install(): VirtualGlobals {
  let environment: Environment | undefined;
  const read = () => environment;
  installTimers(read);
  installClocks(read);
  installRandomness(read);
  syncBuiltinESMExports();
  return {
    enter(next) {
      environment = next;
    },
    leave() {
      environment = undefined;
    },
  };
}

type ReadEnvironment = () => Environment | undefined;

function installTimers(read: ReadEnvironment): void {
  const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
  const startOnce = (time: VirtualTime, delayMs: number, run: () => void) => {
    const timer = new VirtualTimer();
    timer.event = time.schedule(delayMs, run);
    return timer;
  };
  const startRepeating = (time: VirtualTime, delayMs: number, run: () => void) => {
    const timer = new VirtualTimer();
    const repeat = () => {
      timer.event = time.schedule(Math.max(1, delayMs), repeat);
      run();
    };
    timer.event = time.schedule(Math.max(1, delayMs), repeat);
    return timer;
  };
  const clear = (clearReal: (timer: never) => void) => (timer: unknown) => {
    if (timer instanceof VirtualTimer) timer.clear();
    else clearReal(timer as never);
  };
  Object.assign(globalThis, {
    setTimeout: (callback: Callback, delayMs = 0, ...args: unknown[]) => {
      const time = read()?.time;
      return time ? startOnce(time, delayMs, () => callback(...args)) : setTimeout(callback, delayMs, ...args);
    },
    setInterval: (callback: Callback, delayMs = 0, ...args: unknown[]) => {
      const time = read()?.time;
      return time ? startRepeating(time, delayMs, () => callback(...args)) : setInterval(callback, delayMs, ...args);
    },
    setImmediate: (callback: Callback, ...args: unknown[]) => {
      const time = read()?.time;
      return time ? startOnce(time, 0, () => callback(...args)) : setImmediate(callback, ...args);
    },
    clearTimeout: clear(clearTimeout),
    clearInterval: clear(clearInterval),
    clearImmediate: clear(clearImmediate),
  });
  const timers = createRequire(import.meta.url)('node:timers/promises') as Record<string, Callback>;
  const { setTimeout: realDelay, setImmediate: realImmediate } = timers;
  const waitVirtually = (time: VirtualTime, delayMs: number, value: unknown) =>
    new Promise((resolve) => void time.schedule(delayMs, () => resolve(value)));
  Object.assign(timers, {
    setTimeout: (delayMs = 0, value?: unknown, ...rest: unknown[]) => {
      const time = read()?.time;
      return time ? waitVirtually(time, delayMs, value) : realDelay?.(delayMs, value, ...rest);
    },
    setImmediate: (value?: unknown, ...rest: unknown[]) => {
      const time = read()?.time;
      return time ? waitVirtually(time, 0, value) : realImmediate?.(value, ...rest);
    },
  });
}

function installClocks(read: ReadEnvironment): void {
  const readRealDate = Date.now.bind(Date);
  const readRealMonotonic = performance.now.bind(performance);
  const readVirtual = ({ time }: Environment) => Math.floor(time.now + (time.current?.clockOffsetMs ?? 0));
  Object.defineProperty(Date, 'now', {
    configurable: true,
    value: () => {
      const environment = read();
      return environment ? readVirtual(environment) : readRealDate();
    },
  });
  Object.defineProperty(performance, 'now', {
    configurable: true,
    value: () => read()?.time.now ?? readRealMonotonic(),
  });
}

function installRandomness(read: ReadEnvironment): void {
  const realRandom = Math.random;
  Math.random = () => read()?.random.next() ?? realRandom();
  const crypto = createRequire(import.meta.url)('node:crypto') as {
    randomBytes: (size: number) => Buffer;
    randomUUID: (...args: unknown[]) => string;
  };
  const { randomBytes, randomUUID } = crypto;
  crypto.randomBytes = (size) => {
    const random = read()?.random;
    return random ? makeBytes(random, size) : randomBytes(size);
  };
  crypto.randomUUID = (...args) => {
    const random = read()?.random;
    return random ? toUuid(makeBytes(random, 16)) : randomUUID(...args);
  };
}

function makeBytes(random: Random, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => random.below(256)));
}

function toUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
