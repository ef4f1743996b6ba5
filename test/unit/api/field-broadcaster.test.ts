/** What a broadcaster says to subscribers when the database has lost the history that its deltas are of. */
import t from 'tap';
import { FieldBroadcaster, type FieldBroadcasterDeps } from '../../../api/streaming/field-broadcaster.ts';
import type { MessageSink } from '../../../api/streaming/subscriber.ts';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { serializeState } from '../../../shared/cache/state-serializer.ts';
import { createFieldState } from '../../../shared/field/state.ts';
import { asField } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { cursorAt } from '../client/support/load-outbox.ts';

const field = asField('garden');

function stateAt(version: number, history: string) {
  const fragments = toFragments(Object.assign(createFieldState(field), { version, hash: history.repeat(16) }));
  return { version, cursor: cursorAt(version, history), fragments, serialized: serializeState(fragments) };
}

function createBroadcaster(first: ReturnType<typeof stateAt>) {
  let current = first;
  const counter = { inc: () => undefined };
  const deps = {
    states: {
      read: async () => ({ state: current }),
      readConfirmed: async () => current,
      markExisting: () => undefined,
    },
    reader: { hasCursor: async (_field: unknown, cursor: string) => cursor === current.cursor },
    metrics: { snapshots: counter, deltas: counter, gapFills: counter },
    log: { warn: () => undefined, debug: () => undefined },
  } as unknown as FieldBroadcasterDeps;
  const setState = (state: typeof first) => {
    current = state;
  };
  return { broadcaster: new FieldBroadcaster(field, deps), setState };
}

function sinkTo(messages: object[]): MessageSink {
  return {
    send: ({ text }) => void messages.push(JSON.parse(text.toString())),
    bufferedBytes: () => 0,
    close: () => undefined,
  };
}

t.test('late results of a history that is lost are not confirmed by a cursor of the present one', async (t) => {
  const messages: { type: string; from?: string; updates?: unknown[] }[] = [];
  const { broadcaster } = createBroadcaster(stateAt(7, 'b'));
  await broadcaster.checkForGap();
  const subscriber = broadcaster.add({ sink: sinkTo(messages), after: cursorAt(7, 'b') });
  await waitUntil('it follows', () => subscriber.isFollowing);
  const late = (history: string, version: number) => ({
    ...{ field, from: cursorAt(version, history), to: cursorAt(version, history) },
    delta: JSON.stringify({
      ...{ type: 'delta', from: cursorAt(version, history), to: cursorAt(version, history), maxTimestamp: 0 },
      changes: { particles: {}, cells: {} },
      updates: [{ device: 'd', counter: 1, version: 5, outcome: 'duplicate' }],
    }),
  });
  broadcaster.receive(late('a', 5) as never);
  await broadcaster.checkForGap();
  t.same(messages, []);
  broadcaster.receive(late('b', 7) as never);
  t.match(messages, [{ type: 'delta', from: cursorAt(7, 'b'), updates: [{ outcome: 'duplicate' }] }]);
});

t.test('after a failover, a subscriber that changes its region hears that its cursor is unknown', async (t) => {
  const { broadcaster, setState } = createBroadcaster(stateAt(2, 'a'));
  await broadcaster.checkForGap();
  const messages: { type: string; reason: string; cursor: string }[] = [];
  const subscriber = broadcaster.add({ sink: sinkTo(messages), after: cursorAt(2, 'a') });
  await waitUntil('it follows', () => subscriber.isFollowing);
  // The broadcaster has not noticed yet.
  setState(stateAt(3, 'b'));
  broadcaster.changeRegion(subscriber, undefined);
  await waitUntil('it has a snapshot', () => messages.length > 0);
  t.match(messages[0], { type: 'snapshot', reason: 'unknown-cursor', cursor: cursorAt(3, 'b') });
});
