import t from 'tap';
import { OptimisticState } from '../../../client/state/optimistic-state.ts';
import { toServerState } from '../../../client/state/server-state.ts';
import type { FieldView } from '../../../client/types.ts';
import { type Change, event, put, remove, sent, setCell } from '../field/support/changes.ts';
import { closeTo } from '../field/support/close-to.ts';
import { createServer, type Server } from '../field/support/server.ts';
import { viewState } from '../field/support/view-state.ts';

/** The view of a client that received the state of a server before it makes these changes, at the log time of the state. */
function viewOptimistically({ state }: Server, changes: readonly Change[]): FieldView {
  const pending = changes.map((change, index) => sent('me', [index + 1, state.time], change).update);
  return new OptimisticState().buildView(toServerState(viewState(state)), 'me', pending);
}

/** A server with two connected particles out of four, and a boost of the entanglement by 0.4 that was halved once. */
function createEntangledServer(): Server {
  const server = createServer();
  const changes = [
    put('a', { connections: ['b'] }),
    put('b', { connections: ['a'] }),
    put('c'),
    put('d'),
    event('entanglement', 0.4),
  ];
  changes.forEach((change, index) => void server.deliver(sent('x', [index + 1, 1000], change), 1000));
  server.deliver(sent('x', [6, 1000], put('d')), 61_000);
  return server;
}

t.test('a pending update of a particle shows the entanglement that the server will compute', async (t) => {
  for (const [changes, expected] of [
    [[], 0.7],
    [[put('c', { resonance: 1 })], 0.7],
    [[put('c', { connections: ['d'] }), put('d', { connections: ['c'] })], 1],
    [[remove('a')], 0.2],
    [[setCell(1), event('entanglement', 0.1)], 0.8],
    [[event('entanglement', 0.1), remove('b')], 0.3],
  ] as const) {
    const server = createEntangledServer();
    const view = viewOptimistically(server, changes);
    changes.forEach((change, index) => void server.deliver(sent('me', [index + 1, 61_000], change), 61_000));
    const kinds = changes.map((change) => ('type' in change ? change.type : change.kind)).join(', ') || 'no change';
    closeTo(t, server.state.quantumFields[0]?.entanglement, expected, `the server with ${kinds}`);
    closeTo(t, view.quantumFields[0]?.entanglement, expected, `the client with ${kinds}`);
  }
});

t.test('a pending update that exceeds the limit in bytes evicts the same particles as on the server', async (t) => {
  const server = createServer();
  const putLarge = (index: number) => put(`p${index}`, { content: '漢'.repeat(2000) });
  for (let index = 1; index <= 683; index += 1) server.deliver(sent('a', [index, index], putLarge(index)));
  const last = put('p684', {
    content: '漢'.repeat(2000),
    connections: Array.from({ length: 64 }, () => 'c'.repeat(128)),
  });
  const { memoryParticles } = viewOptimistically(server, [last]);
  server.deliver(sent('me', [1, server.state.time], last));
  t.strictSame(
    memoryParticles.map(({ id }) => id),
    [...server.state.particles.keys()],
  );
  t.ok(memoryParticles.length < 600, `${memoryParticles.length} particles are left`);
});
