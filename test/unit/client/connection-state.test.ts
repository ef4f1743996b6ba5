import t from 'tap';
import {
  type ConnectionEvent,
  type ConnectionState,
  nextConnectionState,
} from '../../../client/connection/connection-state.ts';

const events: readonly ConnectionEvent[] = [
  'started',
  'stopped',
  'opened',
  'closed',
  'blocked',
  'expired',
  'forbidden',
];

/** For every state the next states, in the order of `events`. */
const expected: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  stopped: ['connecting', 'stopped', 'stopped', 'stopped', 'stopped', 'stopped', 'stopped'],
  connecting: ['connecting', 'stopped', 'open', 'offline', 'offline', 'renewingToken', 'refused'],
  renewingToken: ['connecting', 'stopped', 'open', 'offline', 'offline', 'refused', 'refused'],
  open: ['connecting', 'stopped', 'open', 'connecting', 'connecting', 'renewingToken', 'refused'],
  offline: ['connecting', 'stopped', 'open', 'offline', 'offline', 'renewingToken', 'refused'],
  refused: ['connecting', 'stopped', 'open', 'offline', 'offline', 'refused', 'refused'],
};

for (const state of Object.keys(expected) as ConnectionState[]) {
  t.test(`a connection that is ${state} reacts to every event as specified`, async (t) => {
    t.same(
      events.map((event) => nextConnectionState(state, event)),
      expected[state],
    );
  });
}
