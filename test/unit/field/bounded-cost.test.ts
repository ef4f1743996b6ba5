import t from 'tap';
import { foldUpdate } from '../../../shared/field/fold.ts';
import { globalField } from '../../../shared/field/ids.ts';
import { emptyChangeSet } from '../../../shared/field/merge-update.ts';
import { encodeSnapshot } from '../../../shared/field/snapshot.ts';
import { createFieldState } from '../../../shared/field/state.ts';
import { eventTypes } from '../../../shared/field/update.ts';
import { type Change, event, put, remove, type SentUpdate, sent, setCells, vector } from './support/changes.ts';

const devices = 10;

function change(index: number): Change {
  const round = Math.floor(index / 4);
  switch (index % 4) {
    case 0:
      return setCells({ x: round % 30, y: round % 7, value: (round % 11) / 10 });
    case 1: {
      const attributes = { position: vector(round), velocity: vector(0), resonance: 0.5, content: 'text' };
      return put(`p${round % 25}`, { ...attributes, connections: ['a', 'b', 'c'] });
    }
    case 2:
      return remove(`removed${round % 25}`);
    default:
      return event(eventTypes[round % eventTypes.length] ?? 'void', 0.5);
  }
}

/** Counts the primitive values of a structure, a measure of its storage cost that ignores the length of numbers. */
function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((count: number, item) => count + countValues(item), 1);
}

function sizesAfter(counts: readonly number[]): number[] {
  const state = createFieldState(globalField);
  const sizes: number[] = [];
  for (let index = 0; index < Math.max(...counts); index += 1) {
    const round = Math.floor(index / devices);
    const { device, update } = sent(`d${index % devices}`, [round + 1, index], change(index), { seen: index });
    foldUpdate(state, device, update, index, emptyChangeSet());
    if (counts.includes(state.version)) sizes.push(countValues(encodeSnapshot(state)));
  }
  return sizes;
}

t.test(
  'the size of a field depends on the registers that updates write to and not on the number of updates',
  async (t) => {
    const [small, ...later] = sizesAfter([2000, 10_000, 40_000]);
    t.ok(small !== undefined && small > 1000, `${small} values after 2,000 updates`);
    t.strictSame(later, [small, small]);
  },
);

t.test('at most the latest 5,000 tombstones are kept', async (t) => {
  const state = createFieldState(globalField);
  for (let index = 1; index <= 5003; index += 1) {
    const { device, update } = sent('a', [index, index], remove(`p${index}`));
    foldUpdate(state, device, update, index, emptyChangeSet());
  }
  const kept = [...state.tombstones.keys()];
  t.strictSame([kept.length, kept[0], kept.at(-1)], [5000, 'p4', 'p5003']);
});

t.test('at most 4 MiB of tombstones are kept, also of devices that do not keep the rule of timestamps', async (t) => {
  const state = createFieldState(globalField);
  const deliver = ({ device, update }: SentUpdate) => foldUpdate(state, device, update, 0, emptyChangeSet());
  for (let index = 1; index <= 800; index += 1) {
    const id = `p${index}`;
    deliver(sent('a', [index, 300], put(id)));
    // The removal has seen the particle, so that its existence gets a timestamp of 301 and its content one of 10.
    deliver(sent('b', [index, 10], remove(id), { seen: state.version }));
    deliver(sent('c', [index, 50], put(id, { content: '漢'.repeat(2000) })));
  }
  const kept = [...state.tombstones.values()];
  t.equal(kept[0]?.attributes.content?.value?.length, 2000, 'the late content is in the tombstone');
  t.strictSame([kept.length, kept.at(-1)?.id], [Math.floor((4 * 1024 ** 2) / (128 + 4 + 6000)), 'p800']);
});
