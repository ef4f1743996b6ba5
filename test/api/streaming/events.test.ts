import t, { type Test } from 'tap';
import type { ServerMessage } from '../../../shared/contract/messages.ts';
import { serverMessageSchema } from '../../../shared/contract/stream.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { readCursorAt } from '../../support/read-back.ts';
import { asCursor, asField, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { followVersions } from '../support/stream-client.ts';
import { withApi } from '../support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const token = await api.createToken();

interface Event {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly message: ServerMessage;
}

/** Parses events as the HTML standard defines them: one field a line, a blank line after each event. */
async function openEvents(t: Test, field: string, { query = '', headers = {}, as = token } = {}) {
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const response = await fetch(`${api.address}/api/fields/${field}/events${query}`, {
    headers: { authorization: `Bearer ${as}`, ...headers },
    signal: abort.signal,
  });
  const events: Event[] = [];
  const state = { ended: false };
  void (async () => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = new Map(
          block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        );
        const data = fields.get('data');
        if (data === undefined) continue;
        events.push({
          id: fields.get('id'),
          event: fields.get('event'),
          message: serverMessageSchema.parse(JSON.parse(data)),
        });
      }
    }
    state.ended = true;
  })().catch(() => {
    state.ended = true;
  });
  return { response, events, state, versions: () => followVersions(events.map(({ message }) => message)) };
}

async function write(field: string, counter: number): Promise<void> {
  const body = { updates: [setCell(counter, counter % 30, 0.5)] };
  const answer = await api.request(`/api/fields/${field}/updates`, { token, body, headers: { prefer: 'wait=20' } });
  if (answer.status !== 200) throw new Error(`not applied: ${answer.text}`);
}

t.test('an event carries a message of the stream, with its type as event and the cursor as id', async (t) => {
  await write('events', 1);
  const { response, events, versions } = await openEvents(t, 'events');
  t.match(response.headers.get('content-type'), /^text\/event-stream/);
  await waitUntil('the snapshot has arrived', () => versions().at(-1) === 1);
  await write('events', 2);
  await waitUntil('the delta has arrived', () => versions().at(-1) === 2);
  const stateEvents = events.filter(({ event }) => event !== 'presence');
  t.same(
    stateEvents.map(({ id, event }) => [id?.split('.')[0], event]),
    [
      ['1', 'snapshot'],
      ['2', 'delta'],
    ],
  );
  t.ok(events.every(({ id, event, message }) => event === message.type && (event !== 'presence' || id === undefined)));
});

t.test('Last-Event-ID resumes at the cursor of the client, and takes precedence over ?after', async (t) => {
  for (const counter of [1, 2, 3]) await write('last-id', counter);
  const { events, versions } = await openEvents(t, 'last-id', {
    headers: { 'last-event-id': await readCursorAt(backing, asField('last-id'), 2) },
    query: `?after=${asCursor(0)}`,
  });
  await waitUntil('the remaining updates have arrived', () => versions().at(-1) === 3);
  t.match(events.find(({ event }) => event === 'delta')?.message, { from: /^2\./, to: /^3\./ });
  const byQuery = await openEvents(t, 'last-id', {
    query: `?after=${await readCursorAt(backing, asField('last-id'), 1)}`,
  });
  await waitUntil('the remaining updates have arrived', () => byQuery.versions().at(-1) === 3);
  t.match(byQuery.events.find(({ event }) => event === 'delta')?.message, { from: /^1\./, to: /^3\./ });
  const invalid = await openEvents(t, 'last-id', { headers: { 'last-event-id': 'abc' } });
  await waitUntil('a snapshot has arrived', () => invalid.events.some(({ event }) => event === 'snapshot'));
});

t.test('the stream ends when its token expires', async (t) => {
  const short = await api.createToken({ expiresInSeconds: 2 });
  const { state } = await openEvents(t, 'events', { as: short });
  await waitUntil('the stream has ended', () => state.ended);
});

t.test('an event stream needs the same rights as any read', async (t) => {
  t.equal((await api.request('/api/fields/events/events')).status, 401);
  t.equal(
    (await api.request('/api/fields/events/events', { token: await api.createToken({ fields: ['x'] }) })).status,
    403,
  );
  t.equal(
    (await api.request('/api/fields/nobody/events', { token: await api.createToken({ scope: ['field:read'] }) }))
      .status,
    404,
  );
});
