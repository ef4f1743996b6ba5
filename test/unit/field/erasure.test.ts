import fc from 'fast-check';
import t from 'tap';
import { eraseRegisters, pseudonymousDevice, restoreErasedState } from '../../../shared/field/erasure.ts';
import { foldUpdate } from '../../../shared/field/fold.ts';
import { emptyChangeSet } from '../../../shared/field/merge-update.ts';
import { ErasedEntryError, replayUpdate } from '../../../shared/field/replay.ts';
import { encodeSnapshot } from '../../../shared/field/snapshot.ts';
import { createFieldState } from '../../../shared/field/state.ts';
import type { Update } from '../../../shared/field/update.ts';
import { asDevice, asField, putParticle, removeParticle, setCell } from '../../support/updates.ts';

const field = asField('garden');
const [zoe, yan] = [asDevice('zoe'), asDevice('yan')];
const pseudonym = pseudonymousDevice('1');

function fold(log: readonly (readonly [typeof zoe, Update])[]) {
  const state = createFieldState(field);
  for (const [device, update] of log) foldUpdate(state, device, update, 1000, emptyChangeSet());
  return state;
}
const eraseZoe = (state: ReturnType<typeof fold>) => eraseRegisters(state, ({ device }) => device === zoe, pseudonym);

t.test('a cell or particle that only the erased have written is deleted with its id', async (t) => {
  const state = fold([
    [zoe, setCell(1, 1, 0.1)],
    [zoe, putParticle(2, 'hers')],
    [zoe, putParticle(3, 'gone')],
    [zoe, removeParticle(4, 'gone')],
    [yan, setCell(1, 2, 0.2)],
  ]);
  const { changes, registers, oldest } = eraseZoe(state);
  t.same([...state.cells.keys()], ['2,0']);
  t.same([state.particles.size, state.tombstones.size], [0, 0]);
  t.same([[...changes.cells], [...changes.particles]], [['1,0'], ['hers']]);
  t.same([registers, oldest], [8, 1]);
});

t.test('a particle that others have written too keeps their attributes, under a stamp that names nobody', async (t) => {
  const state = fold([
    [yan, putParticle(1, 'tree', { content: 'tall', resonance: 0.3 })],
    [zoe, putParticle(1, 'tree', { resonance: 0.9 }, { seen: 1 })],
  ]);
  eraseZoe(state);
  const tree = state.particles.get('tree');
  t.match(tree?.exists, { value: true, stamp: { device: pseudonym, version: 2 } });
  t.match(tree?.attributes.resonance, { value: null, stamp: { device: pseudonym } });
  t.match(tree?.attributes.content, { value: 'tall', stamp: { device: yan } });
  t.notOk(JSON.stringify(encodeSnapshot(state)).includes('zoe'));
});

t.test('what is left of any state has no stamp of the erased, and is restored from the log exactly', async () => {
  const ids = fc.constantFrom('a', 'b', 'c');
  const step = fc.tuple(
    fc.constantFrom(zoe, yan),
    fc.oneof(
      fc.record({ kind: fc.constant('put' as const), id: ids, value: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant('remove' as const), id: ids }),
      fc.record({
        kind: fc.constant('cell' as const),
        x: fc.nat(3),
        value: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    ),
    fc.nat(20),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const counters = new Map<string, number>();
      const state = fold(
        steps.map(([device, change, seen]) => {
          const counter = (counters.get(device) ?? 0) + 1;
          counters.set(device, counter);
          if (change.kind === 'put')
            return [device, putParticle(counter, change.id, { resonance: change.value }, { seen })] as const;
          if (change.kind === 'remove') return [device, removeParticle(counter, change.id, { seen })] as const;
          return [device, setCell(counter, change.x, change.value, { seen })] as const;
        }),
      );
      eraseZoe(state);
      const { hash, ...stored } = encodeSnapshot(state);
      if (JSON.stringify(stored).includes('"zoe"')) return false;
      const restored = fold([[zoe, putParticle(1, 'other')]]);
      restoreErasedState(restored, { id: '1', from: 1, versions: [], state: JSON.parse(JSON.stringify(stored)) }, hash);
      return JSON.stringify(encodeSnapshot(restored)) === JSON.stringify(encodeSnapshot(state));
    }),
  );
});

t.test('a replay cannot fold an erased entry, and continues from the state of an erasure', async (t) => {
  const state = createFieldState(field);
  t.throws(() => replayUpdate(state, { version: 1, hash: 'a', time: 1, contentHash: 'c' }), ErasedEntryError);
  const left = fold([
    [yan, setCell(1, 2, 0.2)],
    [yan, setCell(2, 3, 0.3)],
  ]);
  const { hash: _, ...stored } = encodeSnapshot(left);
  const before = Object.assign(createFieldState(field), { version: 1 });
  const erasure = { id: '1', from: 1, versions: [[1, 1]] as [number, number][], state: stored };
  replayUpdate(before, { version: 2, hash: 'b', time: 1, erasure });
  t.same(encodeSnapshot(before), { ...stored, hash: 'b' });
});
