import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { globalField } from '../../../shared/field/ids.ts';
import { decodeSnapshot, encodeSnapshot, type StoredSnapshot } from '../../../shared/field/snapshot.ts';
import { getParticleIndex } from '../../../shared/field/state.ts';
import { anyHistory, assertProperty } from './support/arbitraries.ts';
import { put, remove, type SentUpdate, sent, setCell } from './support/changes.ts';
import { asJsonb, snapshotText } from './support/field-log.ts';
import { registersOf } from './support/registers.ts';
import { applyAll, createServer, type Server } from './support/server.ts';

/** What version 1 of the rules stored for the registers of a server. */
function storeAsVersion1({ state }: Server): StoredSnapshot {
  const snapshot = encodeSnapshot(state);
  const { entanglementBoost: _, maxTimestamp: __, ...dynamics } = snapshot.dynamics;
  const quantumFields = snapshot.quantumFields.map((field) => ({ ...field, entanglement: 0 }));
  return asJsonb({ ...snapshot, dynamics, quantumFields }) as StoredSnapshot;
}

t.test('a snapshot of version 1 of the rules gets the highest timestamp of its registers, and no boost', async (t) => {
  for (const [message, last] of [
    ['a cell', sent('a', [4, 900], setCell(1))],
    ['a particle', sent('a', [4, 900], put('p'))],
    ['a tombstone', sent('a', [4, 900], remove('q'))],
  ] as const) {
    const others = [put('p'), put('q'), setCell(0.5)].map((change, index) => sent('a', [index + 1, index], change));
    const { dynamics } = decodeSnapshot(globalField, storeAsVersion1(applyAll([...others, last])));
    t.equal(dynamics.maxTimestamp, 900, message);
    t.equal(dynamics.entanglementBoost, 0);
  }
  const empty = decodeSnapshot(globalField, storeAsVersion1(createServer()));
  t.equal(empty.dynamics.maxTimestamp, 0, 'no registers');
});

t.test('a snapshot of version 1 is otherwise read as it was stored', async (t) => {
  assertProperty(
    t,
    fc.property(anyHistory, (updates: SentUpdate[]) => {
      const stored = storeAsVersion1(applyAll(updates));
      const state = decodeSnapshot(globalField, stored);
      const { entanglementBoost, maxTimestamp, ...dynamics } = encodeSnapshot(state).dynamics;
      assert.deepEqual(asJsonb({ ...encodeSnapshot(state), dynamics }), stored);
      assert.equal(entanglementBoost, 0);
      assert.equal(maxTimestamp, Math.max(0, ...[...registersOf(state).values()].map(({ timestamp }) => timestamp)));
      const again = decodeSnapshot(globalField, encodeSnapshot(state));
      assert.equal(snapshotText(again), snapshotText(state), 'once upgraded, it stays the same');
    }),
  );
});

t.test('particles of a version 1 snapshot above the limit in bytes stay until a particle is updated', async (t) => {
  const server = createServer();
  for (let index = 1; index <= 400; index += 1) {
    server.deliver(sent('a', [index, index], put(`p${index}`, { content: 'x'.repeat(2000) })));
  }
  const stored = storeAsVersion1(server);
  const large = stored.particles.map((particle) => ({ ...particle, content: '漢'.repeat(5000) }));
  const state = decodeSnapshot(globalField, { ...stored, particles: large });
  t.ok(getParticleIndex(state).bytes > 4 * 1024 * 1024);
  const reread = createServer({ initial: state });
  reread.deliver(sent('a', [401, 401], setCell(1)));
  t.equal(reread.state.particles.size, 400, 'an update of a cell evicts nothing');
  reread.deliver(sent('a', [402, 402], remove('p400')));
  t.equal(reread.state.dynamics.evictedAt, 402);
  t.equal(reread.state.particles.size, Math.floor((0.8 * 4 * 1024 * 1024) / (128 + 4 + 15_000)));
});

t.test('the entanglement of a version 1 snapshot is 0 until its next particle update or event', async (t) => {
  const connected = [put('a', { connections: ['b'] }), put('b', { connections: ['a'] })];
  const server = applyAll(connected.map((change, index) => sent('a', [index + 1, index], change)));
  const reread = createServer({ initial: decodeSnapshot(globalField, storeAsVersion1(server)) });
  t.equal(reread.state.quantumFields[0]?.entanglement, 0);
  reread.deliver(sent('a', [3, 3], put('a')));
  t.equal(reread.state.quantumFields[0]?.entanglement, 1);
});
