/** The dynamics of a field: its metrics and quantum fields after each update. */
import { eventTypes } from '../../../shared/field/update.ts';
import { event, put, remove, setCell, vector } from '../../unit/field/support/changes.ts';
import { startTime } from '../../unit/field/support/solo-field.ts';
import { describeResult, foldLines, type LogLine, line } from '../fold-case.ts';

type Change = Parameters<typeof line>[2];

/** The updates of one device, at log times in seconds after the start. */
function timeline(...steps: readonly (readonly [seconds: number, change: Change])[]): LogLine[] {
  return steps.map(([seconds, change], index) => {
    const time = startTime + Math.round(seconds * 1000);
    return { ...line('solo', [index + 1, startTime + index], change), time };
  });
}

function sequence(...changes: readonly Change[]): LogLine[] {
  return timeline(...changes.map((change) => [0, change] as const));
}

const still = vector(0);
const restingParticles = Array.from({ length: 10 }, (_, at) => put(`p${at}`, { velocity: still, resonance: 0 }));

const cases: Readonly<Record<string, readonly LogLine[]>> = {
  'cells do not move the dynamics': sequence(setCell(1), setCell(0)),
  'particles move every gauge': sequence(
    put('a', { velocity: vector(1, 2, 3), resonance: 1 }),
    put('b', { position: vector(3, 4), velocity: still, resonance: 0.5 }),
    put('b', { resonance: 0 }),
    remove('a'),
    remove('b'),
  ),
  'a crystallized particle shows more resonance and half the velocity, and its distance is a harmonic': sequence(
    put('a', { position: vector(3, 4), velocity: vector(1), resonance: 0.75, connections: ['x', 'y', 'z'] }),
    put('b', { position: vector(0), resonance: 1, connections: ['x', 'y', 'z'] }),
    put('a', { connections: ['x', 'y'] }),
    put('b', { resonance: 0.7 }),
  ),
  'entanglement is the share of particles that are connected both ways': sequence(
    put('a', { connections: ['b', 'missing'] }),
    put('b', { connections: ['a'] }),
    put('c', { connections: ['c', 'a'] }),
    put('a', { connections: ['c'] }),
    remove('c'),
  ),
  'each event, without an intensity': sequence(...eventTypes.map((type) => event(type))),
  'each event, with an intensity': sequence(...eventTypes.map((type) => event(type, 0.85))),
  'boosts halve every minute of log time': timeline(
    [0, event('awakening')],
    [30, setCell(1)],
    [60, setCell(0)],
    [61.7, event('entanglement', 0.4)],
    [61.701, put('a')],
    [600, setCell(1)],
    [90_000, event('void')],
  ),
  'a resonance event that lifts the resonance above 0.9 is a bloom, at most once in a minute': timeline(
    [0, event('resonance', 0.4)],
    [0, event('resonance', 0.1)],
    [0, event('void')],
    [0, event('void')],
    [0, event('void')],
    [1, event('resonance', 0.5)],
    [200, event('resonance', 1)],
  ),
  'the eighth harmony turns sacred geometry on, until a particle changes': sequence(
    ...Array.from({ length: 8 }, () => event('harmony')),
    put('a'),
  ),
  'a coherent field with ten particles opens room 64': sequence(
    ...restingParticles,
    ...Array.from({ length: 27 }, () => event('crystallization')),
    remove('nothing'),
    event('void'),
    remove('nothing'),
    event('portal', 0.8),
    event('portal', 0.81),
  ),
  'extreme numbers stay finite and in range': sequence(
    put('a', { velocity: vector(1.7e308, 1.7e308), position: vector(-1.7e308, 1e300), resonance: 1 }),
    put('a', { connections: ['x', 'y', 'z'] }),
    put('b', { position: vector(1e16, 123_456_789.123), resonance: 1, connections: ['x', 'y', 'z'] }),
    put('c', { velocity: vector(5e-324), resonance: 5e-324 }),
    event('harmony'),
    put('c', { velocity: vector(-1e-300) }),
  ),
};

export function createDynamicsVectors(): object {
  return {
    cases: Object.entries(cases).map(([name, log]) => {
      const { results, gauges } = foldLines(log);
      return {
        name,
        steps: log.map((entry, at) => ({ ...entry, ...describeResult(results[at] as never), ...gauges[at] })),
      };
    }),
  };
}
