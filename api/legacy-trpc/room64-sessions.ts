/** The sessions in room 64: their starts and their breaths. They are in the cache's Redis, shared by all processes, and may be lost. */
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { CacheKeys } from '../../shared/cache/cache-keys.ts';
import { FieldError } from '../../shared/errors.ts';
import type { DeviceId } from '../../shared/field/ids.ts';

/** Abandoned sessions expire after this time. */
const lifetimeSeconds = 15 * 60;
const maxCycles = 50;
const settledAfterMs = 3000;
/** Parts of inhaling, holding and exhaling in a breath of 4, 7 and 8 counts. */
const idealParts = [4 / 19, 7 / 19, 8 / 19] as const;

const cycleSchema = z.object({ seconds: z.number(), evenness: z.number() });
const sessionSchema = z.object({
  id: z.string(),
  enteredAt: z.number(),
  isGeometrySacred: z.boolean(),
  coherences: z.array(z.number()),
  lastCycle: cycleSchema.optional(),
});
export type RoomSession = z.infer<typeof sessionSchema>;

export interface Breath {
  readonly inhale: number;
  readonly hold: number;
  readonly exhale: number;
}

export class Room64Sessions {
  readonly #redis: Redis;
  readonly #keys: CacheKeys;

  constructor({ redis, keys }: { readonly redis: Redis; readonly keys: CacheKeys }) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async find(device: DeviceId): Promise<RoomSession | undefined> {
    const text = await this.#run(() => this.#redis.get(this.#keys.room64Key(device)));
    return text === null ? undefined : sessionSchema.parse(JSON.parse(text));
  }

  /** @returns whether there was none yet */
  async open(device: DeviceId, session: RoomSession): Promise<boolean> {
    const key = this.#keys.room64Key(device);
    return (await this.#run(() => this.#redis.set(key, JSON.stringify(session), 'EX', lifetimeSeconds, 'NX'))) === 'OK';
  }

  async save(device: DeviceId, session: RoomSession): Promise<void> {
    const key = this.#keys.room64Key(device);
    await this.#run(() => this.#redis.set(key, JSON.stringify(session), 'EX', lifetimeSeconds, 'XX'));
  }

  /** @returns whether there was a session: of two requests that end it, only one succeeds */
  async close(device: DeviceId): Promise<boolean> {
    return (await this.#run(() => this.#redis.del(this.#keys.room64Key(device)))) === 1;
  }

  /** @throws FieldError `reads_unavailable` */
  async #run<Result>(command: () => Promise<Result>): Promise<Result> {
    try {
      return await command();
    } catch (cause) {
      throw new FieldError('reads_unavailable', { retryAfterSeconds: 2, cause });
    }
  }
}

/** Rates a breath by how close it is to the ideal parts, and how close its length is to that of the previous one. */
export function addBreath(session: RoomSession, { inhale, hold, exhale }: Breath): RoomSession & { coherence: number } {
  const seconds = (inhale + hold + exhale) / 1000;
  const parts = [inhale, hold, exhale].map((part) => part / 1000 / seconds);
  const deviation = parts.reduce((sum, part, index) => sum + Math.abs(part - (idealParts[index] ?? 0)), 0);
  const evenness = 1 - deviation / 2;
  const before = session.lastCycle?.seconds ?? seconds;
  const steadiness = 1 - Math.abs(seconds - before) / Math.max(seconds, before);
  const coherence = (evenness + steadiness) / 2;
  return {
    ...session,
    lastCycle: { seconds, evenness },
    coherences: [...session.coherences, coherence].slice(-maxCycles),
    coherence,
  };
}

export function describeSession({ enteredAt, coherences }: RoomSession, now: number) {
  const timeInVoid = Math.max(0, now - enteredAt);
  const best = Math.max(0, ...coherences);
  const isInVoid = timeInVoid >= settledAfterMs || best > 0.8;
  const average = coherences.reduce((sum, coherence) => sum + coherence, 0) / Math.max(1, coherences.length);
  const entering = best > 0.6 ? ('stabilizing' as const) : ('entering' as const);
  return {
    timeInVoid,
    average,
    currentState: isInVoid ? ('void' as const) : entering,
    voidTransitions: isInVoid ? 1 : 0,
  };
}
