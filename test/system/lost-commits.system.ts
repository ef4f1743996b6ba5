/** PostgreSQL loses its last commits, as in a failover to a replica that was behind. Nothing else is restarted. */
import t, { type Test } from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import type { ServerMessage } from '../../shared/contract/messages.ts';
import type { FieldState } from '../../shared/field/state.ts';
import type { Update } from '../../shared/field/update.ts';
import { openStream } from '../api/support/stream-client.ts';
import { withApi } from '../api/support/with-app.ts';
import { openCommitter } from '../support/committer.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { readCached, readCursorAt, readStored, waitForCache, waitForVersion } from '../support/read-back.ts';
import { copyField } from '../support/servers/copy-field.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('failover');
const statePath = `/api/fields/${field}`;
const alice = asDevice('alice');
const bob = asDevice('bob');

/** Watchers compare their cursor with PostgreSQL's every 5 s. */
const noticed = { timeoutMs: 8000 };

const kept = [1, 2, 3, 4].map((counter) => setCell(counter, counter, 0.5));
const lost = [putParticle(5, 'ghost', { resonance: 0.9 }), setCell(6, 1, 0.9), setCell(7, 20, 0.9)];

/** The cursor that a watcher has after what it was sent. */
function lastCursor(messages: readonly ServerMessage[]): string | undefined {
  return messages.reduce<string | undefined>((cursor, message) => {
    if (message.type === 'snapshot') return message.cursor;
    return message.type === 'delta' ? message.to : cursor;
  }, undefined);
}

/** A field that readers, watchers, the cache and the worker have at version 7, and that PostgreSQL has at version 4. */
async function withLostCommits(t: Test) {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const api = await withApi(t, backing);
  const token = await api.createToken();
  await backing.producer.enqueue(jobOf(field, alice, kept));
  await waitForVersion(backing, field, 4);
  const rewind = await copyField(backing.db, field);
  const watchers = [
    await openStream(t, api, { token, field }),
    await openStream(t, await withApi(t, backing), { token, field }),
  ];
  const read = async () => (await api.request(statePath, { token })).body;
  await waitUntil('the state is read', async () => (await read()).version === 4);
  await backing.producer.enqueue(jobOf(field, alice, lost));
  await waitForCache(backing, field, 7);
  await Promise.all(watchers.map((watcher) => watcher.waitForVersion(7)));
  t.equal((await read()).version, 7);
  const dead = await readCursorAt(backing, field, 7);
  await rewind();
  return { backing, api, token, watchers, read, dead };
}

async function assertConsistent(t: Test, backing: Backing, version: number): Promise<void> {
  await waitForCache(backing, field, version);
  t.equal(await readCached(backing, field), await readStored(backing, field), 'the cache has what PostgreSQL has');
  t.same((await verifyField(backing.db, field)).differences, []);
}

/** Indexes are derived, and created when they are first used. */
function withoutIndexes(state: FieldState | undefined) {
  return state && { ...state, particleIndex: undefined, particleColumns: undefined, tombstoneIndex: undefined };
}

t.test('without further updates, readers and watchers get the state that is left within seconds', async (t) => {
  const { backing, read, watchers, dead } = await withLostCommits(t);
  const stored = JSON.parse(await readStored(backing, field));
  await waitUntil('a reader gets the state that is left', async () => (await read()).version === 4, {
    timeoutMs: 3000,
  });
  for (const watcher of watchers) {
    await waitUntil('the watcher has the state that is left', () => lastCursor(watcher.messages) === stored.cursor, {
      ...noticed,
    });
    t.match(
      watcher.messages.findLast(({ type }) => type === 'snapshot'),
      { reason: 'unknown-cursor' },
    );
  }
  t.same(await read(), stored);
  for (const { messages } of watchers) t.not(lastCursor(messages), dead);
  await assertConsistent(t, backing, 4);

  await backing.producer.enqueue(jobOf(field, bob, [setCell(1, 5, 0.25)]));
  await waitForVersion(backing, field, 5);
  for (const watcher of watchers)
    await waitUntil('the watcher follows', async () => lastCursor(watcher.messages) === (await read()).cursor);
  await assertConsistent(t, backing, 5);
});

t.test('the first reader after a while is not served a state that no longer exists', async (t) => {
  const { backing, token, read } = await withLostCommits(t);
  const stored = JSON.parse(await readStored(backing, field));
  const fresh = await withApi(t, backing);
  const served = await fresh.request(statePath, { token });
  t.same(served.body, stored, 'an API that has not read the field before');
  t.equal(await readCached(backing, field), await readStored(backing, field));
  t.same(await read(), stored, 'an API that has the lost state in memory');
});

for (const [when, counts] of Object.entries({
  'fewer updates than were lost follow': [1],
  'as many updates as were lost follow at once': [3],
  'as many updates as were lost follow one by one': [1, 1, 1],
  'more updates than were lost follow': [2, 3],
})) {
  t.test(`when ${when}, the worker continues what is left, and everybody follows`, async (t) => {
    const { backing, api, token, read, watchers } = await withLostCommits(t);
    let counter = 0;
    for (const count of counts) {
      const updates = Array.from({ length: count }, () => setCell(++counter, 5 + counter, 0.25));
      await backing.producer.enqueue(jobOf(field, bob, updates));
      await waitForVersion(backing, field, 4 + counter);
    }
    const stored = JSON.parse(await readStored(backing, field));
    t.notOk(stored.memoryParticles.length, 'nothing of the lost history came back');
    await waitUntil('a reader gets the new state', async () => (await read()).cursor === stored.cursor, {
      timeoutMs: 3000,
    });
    t.same(await read(), stored);
    await Promise.all(
      watchers.map((watcher) =>
        waitUntil('the watcher has the new state', () => lastCursor(watcher.messages) === stored.cursor, noticed),
      ),
    );
    await assertConsistent(t, backing, 4 + counter);
    const sent = await api.request(`${statePath}/updates`, {
      token: await api.createToken({ device: alice }),
      body: { updates: [...kept, ...lost] },
      headers: { prefer: 'wait=20' },
    });
    const outcomes = sent.body.results.map(({ outcome }: { outcome: string }) => outcome);
    t.same(
      outcomes.map((outcome: string) => outcome === 'duplicate'),
      [...kept.map(() => true), ...lost.map(() => false)],
      'what was lost is applied when it is sent again',
    );
    await assertConsistent(t, backing, 7 + counter);
    t.equal((await api.request(`${statePath}/clock`, { token })).body.version, 7 + counter);
  });
}

for (const [when, count] of Object.entries({ 'has not reached': 1, 'has reached': 2, 'has passed': 3 })) {
  t.test(`a worker whose copy has lost commits does not continue it when the new history ${when} it`, async (t) => {
    const { db, reader } = await withBacking(t);
    // Every commit is archived, so that a wrong copy would be stored.
    const [first, second] = [openCommitter(db, { snapshotEvery: 1 }), openCommitter(db)];
    const commit = async (committer: typeof first, device: string, updates: Update[]) => {
      const committed = await committer.commit(new Map([[field, [jobOf(field, asDevice(device), updates)]]]));
      return committed.get(field)?.commit.state;
    };
    await commit(first, 'alice', kept);
    const rewind = await copyField(db, field);
    await commit(first, 'alice', lost.slice(0, 2));
    await rewind();
    const others = Array.from({ length: count }, (_, index) => setCell(index + 1, 10 + index, 0.1));
    await commit(second, 'bob', others);
    const copy = await commit(first, 'carol', [setCell(1, 5, 0.1)]);
    t.equal(copy?.version, 4 + count + 1);
    t.notOk(copy?.particles.has('ghost'));
    t.same(
      withoutIndexes(await reader.loadState(field)),
      withoutIndexes(copy),
      "the worker's copy is the stored state",
    );
    t.same((await verifyField(db, field)).differences, []);
  });
}
