import fc from 'fast-check';
import t from 'tap';
import { predictGauges } from '../../../client/state/optimistic-state.ts';
import { PendingEdits } from '../../../client/state/pending-edits.ts';
import type { Prediction } from '../../../client/state/prediction.ts';
import { toServerState } from '../../../client/state/server-state.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import { anyHistory, assertProperty } from '../field/support/arbitraries.ts';
import { createServer } from '../field/support/server.ts';
import { viewState } from '../field/support/view-state.ts';

const device = 'me';

/** A state after some updates, and others that are pending, numbered and with timestamps as a client makes them. */
const situation = fc.tuple(anyHistory, anyHistory).map(([log, changes]) => {
  const server = createServer();
  for (const update of log) server.deliver(update);
  const state = toServerState(viewState(server.state));
  const first = state.view.maxTimestamp + 1;
  const updates = changes.map(({ update: { clock, ...update } }, at): SentUpdate => {
    return { ...update, counter: at + 1, timestamp: first + at, seen: state.view.version };
  });
  return { state, updates };
});

t.test('pending updates change particles and cells as the merge rules of the server do', async (t) => {
  const property = fc.property(situation, ({ state, updates }) => {
    const expected = predictGauges().buildView(state, device, updates);
    const { memoryParticles, cells } = new PendingEdits().buildView(state, device, updates);
    t.strictSame(memoryParticles, expected.memoryParticles);
    t.strictSame(cells, expected.cells);
  });
  assertProperty(t, property);
});

t.test('a view is the same whether its pending updates came one after the other or together', async (t) => {
  const property = fc.property(situation, ({ state, updates }) => {
    const edits: Prediction = new PendingEdits();
    const views = updates.map((_, at) => edits.buildView(state, device, updates.slice(0, at + 1)));
    t.strictSame(views.at(-1), new PendingEdits().buildView(state, device, updates));
    t.equal(edits.buildView(state, device, []), state.view);
  });
  assertProperty(t, property, 50);
});

t.test('what pending updates do not change is the same object as before', async (t) => {
  const state = toServerState(viewState(createServer().state));
  const cell: SentUpdate = { kind: 'cells.set', counter: 1, timestamp: 1, seen: 0, cells: [{ x: 1, y: 2, value: 1 }] };
  const view = new PendingEdits().buildView(state, device, [cell]);
  t.equal(view.memoryParticles, state.view.memoryParticles);
  t.equal(view.quantumFields, state.view.quantumFields);
  t.same([view.cells, state.view.cells], [{ '1,2': 1 }, {}]);
});
