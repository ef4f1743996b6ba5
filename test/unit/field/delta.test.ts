import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../../shared/cache/state-serializer.ts';
import { changesSchema } from '../../../shared/contract/state.ts';
import { computeMetrics } from '../../../shared/field/dynamics/field-metrics.ts';
import { foldUpdate } from '../../../shared/field/fold.ts';
import { globalField } from '../../../shared/field/ids.ts';
import { emptyChangeSet } from '../../../shared/field/merge-update.ts';
import { createFieldState, cursorOf, type FieldState } from '../../../shared/field/state.ts';
import { type Changes, viewParticle, viewQuantumField } from '../../../shared/field/view.ts';
import { anyHistory, assertProperty } from './support/arbitraries.ts';
import { put, type SentUpdate, sent } from './support/changes.ts';

/** A client that only applies the changes of deltas. */
function createDeltaClient() {
  const particles = new Map<string, unknown>();
  const cells = new Map<string, unknown>();
  let quantumFields: unknown = createFieldState(globalField).quantumFields.map(viewQuantumField);
  let metrics: unknown;
  return {
    apply(changes: Changes) {
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

/** Returns what a client that reads the whole state receives. */
function readState(state: FieldState) {
  return {
    particles: new Map([...state.particles].map(([id, particle]) => [id, toJson(viewParticle(particle))])),
    cells: new Map([...state.cells].map(([cell, { value }]) => [cell, toJson(value)])),
    quantumFields: toJson(state.quantumFields.map(viewQuantumField)),
    metrics: toJson(computeMetrics(state)),
  };
}

const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Folds the updates in batches and checks after each batch that the client's state equals the field's state. */
function checkDeltas(updates: readonly SentUpdate[], batchSize: number): void {
  const state = createFieldState(globalField);
  const client = createDeltaClient();
  for (let start = 0; start < updates.length; start += batchSize) {
    const from = cursorOf(state);
    const changeSet = emptyChangeSet();
    for (const { device, update } of updates.slice(start, start + batchSize)) {
      foldUpdate(state, device, update, 1000 * start, changeSet);
    }
    const { changes, ...rest } = JSON.parse(serializeDelta(from, toFragments(state, changeSet), []));
    assert.deepStrictEqual(rest, {
      type: 'delta',
      from,
      to: cursorOf(state),
      maxTimestamp: state.dynamics.maxTimestamp,
      updates: [],
    });
    changesSchema.parse(changes);
    client.apply(changes);
    assert.deepStrictEqual(client.view(), readState(state));
  }
}

t.test('a client that applies the delta of every batch has the same state as one that reads the field', async (t) => {
  assertProperty(t, fc.property(anyHistory, fc.integer({ min: 1, max: 9 }), checkDeltas));
});

t.test('a delta contains every evicted particle', async (t) => {
  const puts = Array.from({ length: 1250 }, (_, index) => sent('a', [index + 1, index + 1], put(`p${index}`)));
  t.doesNotThrow(() => checkDeltas(puts, 50));
});
