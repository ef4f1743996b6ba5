/** The optimistic state: a server's state as a client has it, own pending updates, and what is shown. */
import { OptimisticState } from '../../../client/state/optimistic-state.ts';
import { toServerState } from '../../../client/state/server-state.ts';
import type { FieldView } from '../../../client/types.ts';
import { type Change, event, put, remove, sent, setCell, setCells, vector } from '../../unit/field/support/changes.ts';
import { viewState } from '../../unit/field/support/view-state.ts';
import { type LogLine, line } from '../fold-case.ts';
import { createServerModel } from '../server-model.ts';

const device = 'me';

const populated: readonly LogLine[] = [
  line('a', [1, 1000], put('a', { position: vector(3, 4), resonance: 0.9, connections: ['b', 'x', 'y'] })),
  line('a', [2, 1001], put('b', { velocity: vector(1, 0, -1), connections: ['a'], content: 'b' })),
  line('b', [1, 1002], setCells({ x: 0, y: 0, value: 0.25 }, { x: 5, y: 6, value: 1 })),
  line('b', [2, 1003], event('entanglement', 0.4)),
  line('b', [3, 1004], event('awakening')),
];

const cases: Readonly<Record<string, { readonly log: readonly LogLine[]; readonly pending: readonly Change[] }>> = {
  'nothing is pending': { log: populated, pending: [] },
  'an edit of an empty field': { log: [], pending: [put('star', { position: vector(1), resonance: 0.4 })] },
  'cells change nothing else': { log: populated, pending: [setCell(0.75), setCells({ x: 9, y: 9, value: 0 })] },
  'a pending write is shown whatever its timestamp': { log: populated, pending: [setCell(0.1), setCell(0.2)] },
  'a put keeps the attributes that it does not name': {
    log: populated,
    pending: [put('b', { position: vector(-1, 0.5) }), put('a', { content: 'crystallized' })],
  },
  'a crystallized particle melts': { log: populated, pending: [put('a', { connections: [] })] },
  'a removal, and a particle that comes back': {
    log: populated,
    pending: [remove('a'), remove('missing'), put('a', { content: 'again' })],
  },
  'events move the gauges': { log: populated, pending: [event('harmony'), event('bloom'), event('resonance', 0.5)] },
};

export function createOptimisticVectors(): object {
  return {
    cases: Object.entries(cases).map(([name, { log, pending }]) => {
      const server = createServerModel('optimistic');
      server.commit(...log);
      const state = JSON.parse(JSON.stringify(viewState(server.state))) as FieldView;
      const updates = pending.map((change, at) => sent(device, [at + 1, 500 + at], change).update);
      const view = new OptimisticState().buildView(toServerState(state), device, updates);
      return { name, device, server: state, pending: updates, view };
    }),
  };
}
