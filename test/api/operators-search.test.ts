/** The operators' search: updates and dead letters by what is known of them, and dead letters retried and discarded. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { listOperatorActions, recordOperatorActions } from '../../db/operators/operator-action.ts';
import { hashPassword } from '../../shared/auth/password-hash.ts';
import { applyUpdatesJob } from '../../shared/contract/job.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';
import { withApi } from './support/with-app.ts';

const passwords = { reader: 'kite-velvet-otter-91', writer: 'plum-anchor-drift-62' };
const as = (name: keyof typeof passwords) => ({
  authorization: `Basic ${Buffer.from(`${name}:${passwords[name]}`).toString('base64')}`,
});
const hostile = '<img src=x onerror=alert(1)>';
const field = asField('garden');

t.test('operators search', async (t) => {
  const backing = await withBacking(t);
  const { db, producer } = backing;
  const file = join(await withFolder(t), 'operators.json');
  const operators = [
    { name: 'reader', password: await hashPassword(passwords.reader), scopes: ['board:read'] },
    { name: 'writer', password: await hashPassword(passwords.writer), scopes: ['board:write'] },
  ];
  await writeFile(file, JSON.stringify(operators));
  const api = await withApi(t, backing, { OPERATORS_FILE: file });
  await withWorker(t, backing);
  const readPage = async (path: string, user: keyof typeof passwords = 'reader') => {
    const response = await fetch(`${api.address}/admin${path}`, { headers: as(user) });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const readJson = async (path: string) =>
    (await api.request(`/admin${path}${path.includes('?') ? '&' : '?'}format=json`, { headers: as('reader') })).body;
  const post = (path: string, form: Record<string, string>, headers: Record<string, string> = as('writer')) =>
    fetch(`${api.address}/admin${path}`, {
      method: 'POST',
      headers: { origin: api.address, ...headers },
      body: new URLSearchParams(form),
      redirect: 'manual',
    });

  for (const [device, user, count] of [
    ['phone-1', 'ada', 3],
    ['phone-2', 'bob', 60],
  ] as const) {
    const token = await api.createToken({ device, user });
    const updates = Array.from({ length: count }, (_, index) => setCell(index + 1, index % 9, 0.5));
    t.equal((await api.request('/api/fields/garden/updates', { token, body: { updates } })).status, 202);
  }
  await waitForVersion(backing, field, 63);

  await t.test('finds updates by field, device, counter, user, outcome, kind and time', async (t) => {
    const count = async (query: string) => (await readJson(`/search?limit=500&${query}`)).entries.length;
    t.equal(await count('device=phone-1'), 3);
    t.equal(await count('device=phone-1&counter=2'), 1);
    t.equal(await count('device=phone-1&field=meadow'), 0);
    t.equal(await count('field=garden'), 63);
    t.equal(await count('user=bob'), 60);
    t.equal(await count('user=ada&device=phone-2'), 0);
    t.equal(await count('user=ada&kind=cells.set&within=1h'), 3);
    t.equal(await count('user=ada&kind=event'), 0);
    t.equal(await count('user=ada&to=2020-01-01T00:00'), 0);
    t.equal(await count('user=ada&from=2020-01-01T00:00'), 3);
    t.equal(await count('device=phone-1&outcome=applied'), 3);
    t.match((await readJson('/search?device=phone-1')).entries[0], {
      ...{ field, device: 'phone-1', counter: 3, user: 'ada', outcome: 'applied', version: Number, time: Number },
      update: { kind: 'cells.set' },
    });
  });

  await t.test('goes through the entries page by page, each of them once', async (t) => {
    for (const query of ['user=bob', 'field=garden&user=bob']) {
      const counters: number[] = [];
      for (let after = '', pages = 0; pages < 9; pages += 1) {
        const { entries, next } = await readJson(`/search?${query}&limit=7&after=${after}`);
        counters.push(...entries.map(({ counter }: { counter: number }) => counter));
        if (next === null) break;
        after = encodeURIComponent(next);
      }
      t.same(
        counters,
        Array.from({ length: 60 }, (_, index) => 60 - index),
        query,
      );
    }
    const { text } = await readPage('/search?user=bob');
    t.match(text, /50 updates, and there may be more/);
    t.match(text, /<a class="button" href="[^"]*after=[^"]*">Older<\/a>/);
  });

  await t.test('shows a wrong filter in the form, with what was typed as text', async (t) => {
    const { status, text } = await readPage(`/search?device=${encodeURIComponent(hostile)}&counter=-1&when=now`);
    t.equal(status, 400);
    t.match(text, /role="alert"/);
    for (const wrong of ['device: must be 1 to 64', 'counter: ', 'Unrecognized keys']) t.match(text, wrong);
    t.match(text, 'value="&#60;img src=x onerror=alert(1)&#62;"');
    t.notMatch(text, /<img/);
    t.match(await readJson('/search?device=a%20b'), { code: 'invalid_input', detail: /device/ });
    for (const query of ['field=a&field=b', 'limit=501', 'within=2h', 'to=tomorrow', 'after=1:x', 'outcome=lost'])
      t.match(await readJson(`/search?${query}`), { code: 'invalid_input' }, query);
    t.equal((await readPage('/dead-letters?id=<b>')).status, 400);
    for (const page of ['/search?user=', '/dead-letters?reason=', '/audit?target=']) {
      t.equal((await readPage(`${page}%00`)).status, 400, 'U+0000 cannot be stored, and so not be searched for');
      t.equal((await readPage(`${page}%20`)).status, 400);
    }
    t.equal((await readPage('/search')).status, 200, 'the empty form searches for nothing');
  });

  await db.raw(`ALTER TABLE field_updates ADD CONSTRAINT no_mallory CHECK (device_id <> 'mallory')`);
  const fields = ['garden', 'meadow', 'wood'].map(asField);
  await producer.enqueueAll(fields.map((each) => jobOf(each, asDevice('mallory'), [setCell(1, 1, 0.5)])));
  await producer.queues.first.add(applyUpdatesJob, { field: hostile, device: hostile, updates: [] } as never);
  const countDead = async (query = '') => (await readJson(`/dead-letters?${query}`)).total;
  await waitUntil('all have failed', async () => (await countDead()) === 4);

  await t.test('finds dead letters by field, device, user, id, reason and time', async (t) => {
    t.equal(await countDead('device=mallory'), 3);
    t.equal(await countDead('device=mallory&field=garden&reason=no_mallory&within=1h'), 1);
    for (const none of ['device=phone-1', 'user=ada', 'reason=revoked', 'to=2020-01-01T00:00', 'id=99999'])
      t.equal(await countDead(none), 0, none);
    const { letters } = await readJson('/dead-letters?device=mallory');
    t.match(letters[0], {
      id: /^\d+$/,
      field: String,
      device: 'mallory',
      updates: 1,
      reason: /no_mallory/,
      failedAt: Number,
    });
    t.equal(await countDead(`id=${letters[0].id}`), 1);
    const { text } = await readPage('/dead-letters');
    t.notMatch(text, /<img|undefined|NaN/);
    t.match(text, '&#60;img src=x onerror=alert(1)&#62;');
  });

  await t.test('shows buttons only to those who may press them, and refuses the others', async (t) => {
    t.notMatch((await readPage('/dead-letters')).text, />(Retry|Discard) these/);
    t.match((await readPage('/dead-letters', 'writer')).text, />Retry these 4…<.*>Discard these 4…</s);
    const form = { expected: '9', before: String(Date.now()) };
    t.equal((await post('/dead-letters/discard', form, as('reader'))).status, 403);
    const { headers } = await readPage('/dead-letters');
    t.equal(headers.get('referrer-policy'), 'same-origin', 'with no-referrer, browsers would send `Origin: null`');
    t.equal(
      (await post('/dead-letters/discard', form, { ...as('writer'), origin: 'https://evil.example' })).status,
      403,
    );
    t.equal((await post('/dead-letters/discard', form, { ...as('writer'), origin: 'null' })).status, 403);
    t.equal(
      (await post('/dead-letters/discard', form, { ...as('writer'), 'sec-fetch-site': 'cross-site' })).status,
      403,
    );
    t.equal(
      (
        await api.request('/api/fields/garden/updates', {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          token: await api.createToken(),
          body: 'a=1',
        })
      ).status,
      415,
    );
    t.equal(await countDead(), 4);
  });

  await t.test('confirms with the number, and changes no more than was confirmed', async (t) => {
    const { text } = await readPage('/dead-letters/retry?device=mallory', 'writer');
    t.match(text, /Return 3 dead letters to the queue\?/);
    t.match(text, /<li>device: <b>mallory<\/b><\/li>/);
    t.match(text, /<button class="primary">Retry 3 dead letters<\/button>/);
    const refused = await post('/dead-letters/retry', { device: 'mallory', expected: '2', before: String(Date.now()) });
    t.equal(refused.status, 400);
    t.match(await refused.text(), /3 dead letters match, and 2 were confirmed/);
    const earlier = await post('/dead-letters/discard', {
      device: 'mallory',
      expected: '3',
      before: '1000',
      format: 'json',
    });
    t.same(await earlier.json(), { action: 'discard', changed: 0 }, 'nothing that failed after the confirmation');
    for (const form of [
      {},
      { expected: '1' },
      { expected: 'x', before: '1' },
      { expected: '1', before: '1', also: '1' },
    ])
      t.equal((await post('/dead-letters/discard', form as Record<string, string>)).status, 400);
    t.equal(await countDead(), 4);
    t.same(await listOperatorActions(db, { action: 'dead-letters', limit: 9 }), []);
  });

  await t.test('retries and discards by a filter, and records each job first', async (t) => {
    await db.raw('ALTER TABLE field_updates DROP CONSTRAINT no_mallory');
    const confirmed = { expected: '3', before: String(Date.now()) };
    const retried = await post('/dead-letters/retry', { device: 'mallory', ...confirmed });
    t.equal(retried.status, 303);
    t.equal(retried.headers.get('location'), '/admin/dead-letters?done=retry&count=3');
    t.match((await readPage('/dead-letters?done=retry&count=3')).text, /3 dead letters returned to the queue\./);
    await waitForVersion(backing, field, 64);
    t.equal(await countDead('device=mallory'), 0);
    const discarded = await post('/dead-letters/discard', {
      reason: '',
      expected: '1',
      before: String(Date.now()),
      format: 'json',
    });
    t.same(await discarded.json(), { action: 'discard', changed: 1 });
    t.equal(await countDead(), 0);
    const recorded = await listOperatorActions(db, { action: 'dead-letters.retry', limit: 9 });
    t.equal(recorded.length, 3);
    t.match(recorded[0], {
      ...{ operator: 'writer', origin: '127.0.0.1', target: /^job \d+$/ },
      details: { field: String, device: 'mallory', reason: /no_mallory/ },
    });
    t.equal((await listOperatorActions(db, { action: 'dead-letters.discard', limit: 9 })).length, 1);
  });

  await t.test('lists what operators have done, without addresses and details', async (t) => {
    await recordOperatorActions(db, [
      { operator: 'ada', origin: '192.0.2.7', action: 'revoke', target: hostile, details: { reason: 'secret' } },
    ]);
    const count = async (query: string) => (await readJson(`/audit?${query}`)).actions.length;
    t.equal(await count('action=dead-letters'), 4);
    t.equal(await count('action=dead-letters.discard&operator=writer&within=1h'), 1);
    t.equal(await count('action=dead'), 0, 'only whole words');
    t.equal(await count('operator=ada&to=2020-01-01T00:00'), 0);
    t.equal(await count(`target=${encodeURIComponent(hostile)}`), 1);
    t.same(Object.keys((await readJson('/audit?operator=ada')).actions[0]), ['at', 'operator', 'action', 'target']);
    const { text } = await readPage('/audit');
    t.match(text, '&#60;img src=x onerror=alert(1)&#62;');
    t.notMatch(text, /<img|192\.0\.2\.7|secret|127\.0\.0\.1/);
    t.equal((await readPage('/audit?limit=1001')).status, 400);
  });
});
