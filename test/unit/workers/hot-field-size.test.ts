/** The estimated memory of a worker's copies, against the heap that they take. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { foldUpdate } from '../../../shared/field/fold.ts';
import { emptyChangeSet } from '../../../shared/field/merge-update.ts';
import { createFieldState, type FieldState } from '../../../shared/field/state.ts';
import type { Update } from '../../../shared/field/update.ts';
import { CursorWindow } from '../../../workers/commit/cursor-window.ts';
import { estimateHotFieldBytes } from '../../../workers/commit/hot-field-cache.ts';
import { asDevice, asField, putParticle, removeParticle } from '../../support/updates.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const ids = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, at) => `${prefix}-${at}-${'y'.repeat(40)}`);
/** The update with a counter, by the kind of field. Through JSON, since strings that share their characters take less memory. */
const kinds: Readonly<Record<string, (counter: number) => Update>> = {
  'small particles': (counter) => putParticle(counter, `p-${counter}`, { position: { x: 1.5, y: counter, z: 0 } }),
  'long texts': (counter) => putParticle(counter, `p-${counter}`, { content: `${counter}${'x'.repeat(1990)}` }),
  'long texts of two bytes each': (counter) =>
    putParticle(counter, `p-${counter}`, { content: `${counter}${'ж'.repeat(1990)}` }),
  'many connections': (counter) => putParticle(counter, `p-${counter}`, { connections: ids(64, `c-${counter}`) }),
  'removed particles': (counter) =>
    counter % 2 ? putParticle(counter, `p-${counter}`) : removeParticle(counter, `p-${counter - 1}`, { seen: counter }),
};

function createField(makeUpdate: (counter: number) => Update, index: number): FieldState {
  const state = createFieldState(asField(`field-${index}`));
  for (let counter = 1; counter <= 1000; counter++) {
    const update = JSON.parse(JSON.stringify(makeUpdate(counter)));
    foldUpdate(state, asDevice('phone'), update, counter, emptyChangeSet());
  }
  return state;
}

const measureHeap = () => {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

for (const [kind, makeUpdate] of Object.entries(kinds)) {
  t.test(`the memory of a field with ${kind} is not underestimated, and not by far overestimated`, async (t) => {
    createField(makeUpdate, 0);
    const before = measureHeap();
    const states = Array.from({ length: 4 }, (_, index) => createField(makeUpdate, index));
    const real = (measureHeap() - before) / states.length;
    const [state] = states;
    if (!state) throw new Error('there is no field');
    const estimated = estimateHotFieldBytes({ state, clock: new Map(), cursors: new CursorWindow() });
    t.comment(`${Math.round(real / 1024)} kB, estimated as ${Math.round(estimated / 1024)} kB`);
    t.ok(estimated >= 0.9 * real, `${estimated} for ${real} bytes`);
    t.ok(estimated <= 4 * real, `${estimated} for ${real} bytes`);
  });
}
