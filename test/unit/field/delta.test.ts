import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../../shared/cache/state-serializer.ts';
import { changesSchema } from '../../../shared/contract/state.ts';
import { computeMetrics } from '../../../shared/field/dynamics/metrics.ts';
import { foldUpdate } from '../../../shared/field/fold.ts';
import { globalField } from '../../../shared/field/ids.ts';
import { emptyChangeSet } from '../../../shared/field/merge-update.ts';
import { createFieldState, type FieldState } from '../../../shared/field/state.ts';
import { type Changes, viewChanges, viewParticle, viewQuantumField } from '../../../shared/field/view.ts';
import { anyHistory, assertProperty } from './support/arbitraries.ts';
import { put, type SentUpdate, sent } from './support/changes.ts';

/** A client that knows nothing but the changes that it is told of. */
function createFollower() {
  const particles = new Map<string, unknown>();
  const cells = new Map<string, number>();
  let quantumFields: unknown = createFieldState(globalField).quantumFields.map(viewQuantumField);
  let metrics: unknown;
  return {
    follow(changes: Changes) {
      for (const [id, particle] of Object.entries(changes.particles)) {
        if (particle) particles.set(id, particle);
        else particles.delete(id);
      }
      for (const [cell, value] of Object.entries(changes.cells)) cells.set(cell, value);
      quantumFields = changes.quantumFields ?? quantumFields;
      metrics = changes.metrics;
    },
    view: () => ({ particles, cells, quantumFields, metrics }),
  };
}

function viewOf(state: FieldState) {
  return {
    particles: new Map([...state.particles].map(([id, particle]) => [id, viewParticle(particle)])),
    cells: new Map([...state.cells].map(([cell, { value }]) => [cell, value])),
    quantumFields: state.quantumFields.map(viewQuantumField),
    metrics: computeMetrics(state),
  };
}

/** Folds in batches and checks after each of them that the follower sees what the state shows. */
function followBatches(updates: readonly SentUpdate[], batchSize: number): void {
  const state = createFieldState(globalField);
  const follower = createFollower();
  for (let start = 0; start < updates.length; start += batchSize) {
    const touched = emptyChangeSet();
    for (const { device, update } of updates.slice(start, start + batchSize)) {
      foldUpdate(state, device, update, 1000 * start, touched);
    }
    follower.follow(viewChanges(state, touched));
    assert.deepStrictEqual(follower.view(), viewOf(state));
  }
}

t.test('whoever follows the changes of every batch has what a reader of the state has', async (t) => {
  assertProperty(t, fc.property(anyHistory, fc.integer({ min: 1, max: 9 }), followBatches));
});

t.test('the changes tell of every particle that an eviction pushed out', async (t) => {
  const puts = Array.from({ length: 1250 }, (_, index) => sent('a', [index + 1, index + 1], put(`p${index}`)));
  t.doesNotThrow(() => followBatches(puts, 50));
});

t.test('the text of a delta is JSON that says the same as the changes', async (t) => {
  assertProperty(
    t,
    fc.property(anyHistory, (updates) => {
      const state = createFieldState(globalField);
      const touched = emptyChangeSet();
      for (const { device, update } of updates) foldUpdate(state, device, update, 5, touched);
      const { changes, ...rest } = JSON.parse(serializeDelta(3, toFragments(state, touched), []));
      assert.deepStrictEqual(changes, JSON.parse(JSON.stringify(viewChanges(state, touched))));
      assert.deepStrictEqual(rest, { type: 'delta', from: 3, to: updates.length, updates: [] });
      changesSchema.parse(changes);
    }),
  );
});
