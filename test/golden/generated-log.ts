/**
 * Generates logs of every kind of update and event, in which everything happens that the rules distinguish: conflicts, late
 * and hostile claims, updates out of order, evictions because of number and of bytes, purges, long pauses, extreme numbers.
 * They use only a seeded generator and exactly specified arithmetic, so that every engine generates the same ones.
 */
import { eventTypes, type ParticleAttributes, type Vector } from '../../shared/field/update.ts';
import { type Change, event, put, remove, sent, setCells } from '../unit/field/support/changes.ts';
import type { LogEntry } from '../unit/field/support/field-log.ts';
import { type Random, seededRandom } from '../unit/field/support/seeded-random.ts';

export interface GeneratedLogOptions {
  readonly seed: number;
  readonly length: number;
  /** How many ids of particles there are. Few let strength and coherence move freely; with many they reach their bounds. */
  readonly ids: number;
}

const devices = Array.from({ length: 12 }, (_, index) => `device-${index}`);
const extremes = [0, -0, 5e-324, 1e-300, 1e16, 1e100, 1.7e308, -1.7e308];
const texts = ['', 'x', 'été', 'e\u0301te\u0301', '漢字', '👩‍👩‍👧', '__proto__'];

export function generateLog({ seed, length, ids }: GeneratedLogOptions): LogEntry[] {
  const random = seededRandom(seed);
  const counters = createCounters(random);
  let time = 1_700_000_000_000;
  return Array.from({ length }, (_, index): LogEntry => {
    const version = index + 1;
    time += createPause(random);
    const device = random.pick(devices);
    const timestamp = time + devices.indexOf(device) * 10 - random.below(random.chance(0.1) ? 600_000 : 200);
    const claims = { seen: createSeen(random, version), ...createClock(random, counters.highest) };
    const change = createChange(random, { version, ids });
    const entry = { ...sent(device, [counters.next(device), timestamp], change, claims), time };
    return random.chance(0.004) ? { ...entry, sweepThrough: Math.max(0, version - random.below(1500)) } : entry;
  });
}

/** Numbers the updates of each device; now and then, two of them change places. */
function createCounters(random: Random) {
  const highest = new Map<string, number>();
  const skipped = new Map<string, number>();
  return {
    highest,
    next(device: string): number {
      const late = skipped.get(device);
      if (late !== undefined) {
        skipped.delete(device);
        return late;
      }
      const counter = (highest.get(device) ?? 0) + 1;
      const isSkipping = random.chance(0.1);
      if (isSkipping) skipped.set(device, counter);
      highest.set(device, isSkipping ? counter + 1 : counter);
      return isSkipping ? counter + 1 : counter;
    },
  };
}

function createPause(random: Random): number {
  if (random.chance(0.002)) return random.below(200_000_000);
  if (random.chance(0.02)) return random.below(200_000);
  return random.below(300);
}

function createSeen(random: Random, version: number): number {
  if (random.chance(0.6)) return Math.max(0, version - 1 - random.below(6));
  if (random.chance(0.1)) return Number.MAX_SAFE_INTEGER;
  return random.below(version);
}

function createClock(random: Random, counters: ReadonlyMap<string, number>) {
  if (!random.chance(0.2)) return {};
  const known = [...counters].filter(() => random.chance(0.3));
  return { clock: Object.fromEntries(known.map(([device, counter]) => [device, random.below(counter + 2)])) };
}

interface Phase {
  readonly version: number;
  readonly ids: number;
}

function createChange(random: Random, phase: Phase): Change {
  const kind = random.next();
  if (kind < 0.5) return put(createId(random, phase), createAttributes(random, phase));
  if (kind < 0.57) return remove(createId(random, phase));
  if (kind < 0.87) return setCells(...createCells(random));
  return event(random.pick(eventTypes), random.chance(0.5) ? random.next() : undefined);
}

const createId = (random: Random, { ids }: Phase) => `particle-${random.below(ids)}`;

/** In some phases particles are so large that they reach the limit in bytes before that of their number. */
const isLarge = ({ version }: Phase) => version % 8000 > 5000;

function createAttributes(random: Random, phase: Phase): ParticleAttributes {
  const connections = Array.from({ length: random.below(random.chance(0.1) ? 65 : 6) }, () => createId(random, phase));
  const large = { content: `${random.pick(texts)}${'漢'.repeat(1800 + random.below(190))}` };
  return {
    ...(random.chance(0.7) ? { position: createVector(random, 50) } : {}),
    ...(random.chance(0.4) ? { velocity: createVector(random, 2) } : {}),
    ...(random.chance(0.7) ? { resonance: random.chance(0.1) ? random.below(2) : random.next() } : {}),
    ...(random.chance(0.7) ? { content: random.pick(texts).repeat(3) } : {}),
    ...(random.chance(0.6) ? { connections } : {}),
    ...(isLarge(phase) ? large : {}),
  };
}

function createVector(random: Random, size: number): Vector {
  const axis = () => (random.chance(0.002) ? random.pick(extremes) : (random.next() - 0.5) * size);
  return { x: axis(), y: axis(), z: axis() };
}

function createCells(random: Random) {
  const first = random.below(30);
  const y = random.below(30);
  return Array.from({ length: 1 + random.below(8) }, (_, step) => ({
    x: (first + step) % 30,
    y,
    value: random.next(),
  }));
}
