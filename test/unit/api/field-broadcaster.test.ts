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

t.test('after a failover, a subscriber that changes its region hears that its cursor is unknown', async (t) => {
  let current = stateAt(2, 'a');
  const deps = {
    states: {
      read: async () => ({ state: current }),
      readConfirmed: async () => current,
      markExisting: () => undefined,
    },
    reader: { hasCursor: async (_field: unknown, cursor: string) => cursor === current.cursor },
    metrics: { snapshots: { inc: () => undefined } },
    log: { warn: () => undefined, debug: () => undefined },
  } as unknown as FieldBroadcasterDeps;
  const broadcaster = new FieldBroadcaster(field, deps);
  await broadcaster.checkForGap();
  const messages: { type: string; reason: string; cursor: string }[] = [];
  const sink: MessageSink = {
    send: ({ text }) => void messages.push(JSON.parse(text.toString())),
    bufferedBytes: () => 0,
    close: () => undefined,
  };
  const subscriber = broadcaster.add({ sink, after: cursorAt(2, 'a') });
  await waitUntil('it follows', () => subscriber.isFollowing);
  // The broadcaster has not noticed yet.
  current = stateAt(3, 'b');
  broadcaster.changeRegion(subscriber, undefined);
  await waitUntil('it has a snapshot', () => messages.length > 0);
  t.match(messages[0], { type: 'snapshot', reason: 'unknown-cursor', cursor: cursorAt(3, 'b') });
});
