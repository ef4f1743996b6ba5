/** Merges of cells and particles: which write stands, the outcome of each update, and the conflicts. */
import { generateLog } from '../../golden/generated-log.ts';
import { event, put, remove, setCell, setCells, vector } from '../../unit/field/support/changes.ts';
import { describeFold, describeMerge, foldLines, type LogLine, line } from '../fold-case.ts';

const cells: Readonly<Record<string, readonly LogLine[]>> = {
  'a first write stands': [line('a', [1, 1000], setCell(0.1))],
  'a write that has seen the value replaces it, whatever the timestamps, and its own becomes higher': [
    line('a', [1, 5000], setCell(0.1)),
    line('b', [1, 1000], setCell(0.2), { seen: 1 }),
  ],
  'a claim to have seen more than there is counts as the version of the field': [
    line('a', [1, 5000], setCell(0.1)),
    line('b', [1, 1000], setCell(0.2), { seen: 99 }),
  ],
  'of two concurrent writes, the higher timestamp is kept: the one that arrives': [
    line('a', [1, 1000], setCell(0.1)),
    line('b', [1, 2000], setCell(0.2)),
  ],
  'of two concurrent writes, the higher timestamp is kept: the one that was there': [
    line('a', [1, 2000], setCell(0.1)),
    line('b', [1, 1000], setCell(0.2)),
  ],
  'equal timestamps are ordered by the device, by code unit': [
    line('phone', [1, 1000], setCell(0.1)),
    line('Phone', [1, 1000], setCell(0.2)),
    line('phone-2', [1, 1000], setCell(0.3)),
  ],
  'equal values are no conflict, and the larger stamp is kept': [
    line('a', [1, 1000], setCell(0.5)),
    line('b', [1, 2000], setCell(0.5)),
    line('c', [1, 1500], setCell(0.5)),
  ],
  'a device replaces its own earlier write even if its clock went back': [
    line('a', [1, 5000], setCell(0.1)),
    line('a', [2, 1000], setCell(0.2)),
  ],
  'an own write that arrives after a later one is superseded': [
    line('a', [2, 2000], setCell(0.2)),
    line('a', [1, 9000], setCell(0.1), { seen: 1 }),
  ],
  'an update is superseded only if all of its writes are': [
    line('a', [2, 2000], setCells({ x: 0, y: 0, value: 0.2 })),
    line('a', [1, 1000], setCells({ x: 0, y: 0, value: 0.1 }, { x: 1, y: 0, value: 0.1 })),
  ],
  'a vector clock states what was seen as well': [
    line('a', [1, 5000], setCell(0.1)),
    line('a', [2, 6000], setCell(0.2)),
    line('b', [1, 1000], setCell(0.3), { clock: { a: 1 } }),
    line('c', [1, 1000], setCell(0.4), { clock: { a: 2 } }),
  ],
  'an update that meets conflicts with different resolutions is merged': [
    line('a', [1, 1000], setCells({ x: 0, y: 0, value: 0.1 }, { x: 1, y: 0, value: 0.1 }, { x: 2, y: 0, value: 0.1 })),
    line('a', [2, 3000], setCells({ x: 1, y: 0, value: 0.2 })),
    line('b', [1, 2000], setCells({ x: 0, y: 0, value: 0.9 }, { x: 1, y: 0, value: 0.9 }, { x: 2, y: 0, value: 0.1 })),
  ],
};

const particles: Readonly<Record<string, readonly LogLine[]>> = {
  'a new particle has defaults, and a velocity that follows from its id': [
    line('a', [1, 1000], put('star')),
    line('a', [2, 1001], put('漢字 👩‍🚀')),
  ],
  'a put writes only the attributes that it names': [
    line('a', [1, 1000], put('star', { position: vector(1, 2, 3), resonance: 0.25, content: 'first' })),
    line('b', [1, 1001], put('star', { content: 'second', connections: ['x', 'y'] }), { seen: 1 }),
  ],
  'concurrent puts of different attributes are both kept, without a conflict': [
    line('a', [1, 1000], put('star', { position: vector(1) })),
    line('b', [1, 900], put('star', { resonance: 1 })),
  ],
  'a concurrent put may keep some attributes and lose others': [
    line('a', [1, 1000], put('star', { position: vector(1), content: 'a' })),
    line('a', [2, 3000], put('star', { content: 'a again' })),
    line('b', [1, 2000], put('star', { position: vector(2), content: 'b' })),
  ],
  'lists and vectors are equal if all of their parts are, in order': [
    line('a', [1, 1000], put('star', { connections: ['x', 'y'], position: vector(1, 2) })),
    line('b', [1, 2000], put('star', { connections: ['x', 'y'], position: vector(1, 2) })),
    line('c', [1, 3000], put('star', { connections: ['y', 'x'], position: vector(1, 3) })),
  ],
  'a removal empties every attribute': [
    line('a', [1, 1000], put('star', { position: vector(1), content: 'gone' })),
    line('b', [1, 1001], remove('star'), { seen: 1 }),
  ],
  'a particle that is put again starts from the defaults, at the end of the order': [
    line('a', [1, 1000], put('star', { resonance: 1, content: 'gone' })),
    line('a', [2, 1001], put('moon')),
    line('a', [3, 1002], remove('star')),
    line('b', [1, 1003], put('star', { position: vector(7) }), { seen: 3 }),
  ],
  'an older concurrent put does not bring a removed particle back': [
    line('a', [1, 1000], put('star', { resonance: 1 })),
    line('a', [2, 3000], remove('star')),
    line('b', [1, 2000], put('star', { resonance: 0.2 }), { seen: 1 }),
  ],
  'a newer concurrent put brings a removed particle back': [
    line('a', [1, 1000], put('star', { resonance: 1 })),
    line('a', [2, 2000], remove('star')),
    line('b', [1, 3000], put('star', { content: 'back' }), { seen: 1 }),
  ],
  'an older concurrent removal does not remove what was put later': [
    line('a', [1, 1000], put('star', { resonance: 1 })),
    line('a', [2, 3000], put('star', { resonance: 0.9 })),
    line('b', [1, 2000], remove('star'), { seen: 1 }),
  ],
  'two removals agree': [
    line('a', [1, 1000], put('star')),
    line('a', [2, 2000], remove('star')),
    line('b', [1, 3000], remove('star'), { seen: 1 }),
  ],
  'the removal of a particle that does not exist is remembered': [
    line('a', [1, 2000], remove('star')),
    line('b', [1, 1000], put('star')),
  ],
  'once a tombstone is purged, a late put is a first write': [
    line('a', [1, 1000], put('star')),
    line('a', [2, 3000], remove('star')),
    { ...line('a', [3, 3001], setCell(1)), sweepThrough: 2 },
    line('b', [1, 2000], put('star', { resonance: 0.2 }), { seen: 1 }),
  ],
  'events write no register': [line('a', [1, 1000], event('harmony')), line('b', [1, 900], event('memory'))],
};

const evictions: Readonly<Record<string, readonly LogLine[]>> = {
  'the thousand and first particle evicts the oldest ones': [
    { ...line('a', [1, 1000], put('p{n}')), repeat: 1000 },
    line('a', [1001, 1500], put('p7', { resonance: 1 })),
    line('b', [1, 9000], put('last')),
  ],
  'more than 4 MiB of particles evict the oldest ones': [
    { ...line('a', [1, 1000], put('p{n}', { content: '漢' })), times: 2000, repeat: 684 },
  ],
};

export function createMergeVectors(): object {
  const generated = generateLog({ seed: 20, length: 120, ids: 6 }) as LogLine[];
  return {
    cases: Object.entries({ ...cells, ...particles }).map(([name, log]) => describeMerge(name, log)),
    logs: [describeFold('a generated log of every kind of update', generated)],
    evictions: Object.entries(evictions).map(([name, log]) => {
      const { state } = foldLines(log);
      return { name, log, particles: [...state.particles.keys()], evictedAt: state.dynamics.evictedAt };
    }),
  };
}
