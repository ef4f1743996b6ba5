/** What operators may see and do, and that everything they do is recorded. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { listOperatorActions } from '../../db/operators/operator-action.ts';
import { hashPassword } from '../../shared/auth/password-hash.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { withFolder } from '../support/with-folder.ts';
import { type TestApi, withApi } from './support/with-app.ts';

const backing = await withBacking(t);
const file = join(await withFolder(t), 'operators.json');
const passwords = { reader: 'kite-velvet-otter-91', writer: 'plum-anchor-drift-62', scraper: 'mango-basalt-fern-17' };
await writeFile(
  file,
  JSON.stringify([
    { name: 'reader', password: await hashPassword(passwords.reader), scopes: ['board:read'] },
    { name: 'writer', password: await hashPassword(passwords.writer), scopes: ['board:write'] },
    { name: 'scraper', password: await hashPassword(passwords.scraper), scopes: ['metrics:read'] },
  ]),
);
const settings = { NODE_ENV: 'production', OPEN_REGISTRATION: 'false', OPERATORS_FILE: file };
const api = await withApi(t, backing, settings);
const queueApi = '/admin/queues/api/queues';
const { first: queue } = backing.producer.queues;

const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});
const as = (name: keyof typeof passwords) => basic(name, passwords[name]);

const put = (path: string, headers: Record<string, string>, target: TestApi = api) =>
  target.request(`${queueApi}${path}`, { method: 'PUT', headers });

async function readActions(action: string) {
  return (await listOperatorActions(backing.db, { action, limit: 100 })).map(
    ({ operator, origin, target, details }) => ({ operator, origin, target, details }),
  );
}

/** Accepts an update that no worker applies, since none runs. */
async function acceptUpdate(): Promise<string> {
  const token = await api.createToken();
  const path = '/api/fields/board/updates';
  t.equal((await api.request(path, { token, body: { updates: [setCell(1, 0, 0.5)] } })).status, 202);
  const [job] = await queue.getWaiting();
  return job?.id ?? '';
}

t.test('each scope opens what it names, for operators with passwords and with tokens', async (t) => {
  const statusOf = async (path: string, headers: Record<string, string>) =>
    (await api.request(path, { headers })).status;
  t.same([await statusOf(queueApi, as('reader')), await statusOf('/metrics', as('reader'))], [200, 403]);
  t.same([await statusOf(queueApi, as('writer')), await statusOf('/metrics', as('writer'))], [200, 403]);
  t.same([await statusOf(queueApi, as('scraper')), await statusOf('/metrics', as('scraper'))], [403, 200]);
  const tokenFor = async (scope: 'admin' | 'board:read' | 'metrics:read') => ({
    authorization: `Bearer ${await api.createToken({ user: 'ada', device: null, scope: [scope] })}`,
  });
  t.same(
    [await statusOf(queueApi, await tokenFor('admin')), await statusOf('/metrics', await tokenFor('admin'))],
    [200, 200],
  );
  t.equal(await statusOf('/metrics', await tokenFor('board:read')), 403);
  t.equal(await statusOf(queueApi, await tokenFor('metrics:read')), 403);
  t.equal((await put('/updates/pause', await tokenFor('board:read'))).status, 403);
});

t.test('without board:write the board has no buttons, and its routes are refused', async (t) => {
  const queueOf = async (name: 'reader' | 'writer') =>
    (await api.request(queueApi, { headers: as(name) })).body.queues[0];
  t.match(await queueOf('reader'), { name: 'updates', readOnlyMode: true, allowRetries: false });
  t.match(await queueOf('writer'), { name: 'updates', readOnlyMode: false, allowRetries: true });
  const concurrent = await Promise.all(
    ['reader', 'writer', 'reader', 'writer'].map((name) => queueOf(name as 'reader')),
  );
  t.same(
    concurrent.map(({ readOnlyMode }) => readOnlyMode),
    [true, false, true, false],
  );
  for (const path of ['/updates/pause', '/updates/empty', '/updates/retry/failed', '/pause', '/updates/1/clean']) {
    t.match(await put(path, as('reader')), { status: 403, body: { code: 'forbidden', detail: /board:write/ } }, path);
  }
  t.equal(await queue.isPaused(), false);
});

t.test('what is done on the board is recorded: who, from where, what and on what', async (t) => {
  t.equal((await put('/updates/pause', as('writer'))).status, 200);
  t.equal((await put('/updates/resume', as('writer'))).status, 200);
  const ada = { authorization: `Bearer ${await api.createToken({ user: 'ada', device: null, scope: ['admin'] })}` };
  t.equal((await put('/updates/clean/completed', ada)).status, 200);
  t.same(await readActions('board.pause'), [
    { operator: 'writer', origin: '127.0.0.1', target: 'updates', details: null },
  ]);
  t.equal((await readActions('board.resume')).length, 1);
  t.same(await readActions('board.clean'), [
    { operator: 'ada', origin: '127.0.0.1', target: 'updates', details: { state: 'completed' } },
  ]);
});

t.test('a queue is never emptied from the board, since an update may be accepted meanwhile', async (t) => {
  t.equal(await queue.getWaitingCount(), 0);
  for (const path of ['/updates/empty', '/updates/obliterate', '/updates/clean/wait', '/updates/clean/failed']) {
    const refused = await put(path, as('writer'));
    t.match(
      refused,
      { status: 409, body: { code: 'would_lose_updates', detail: /at any moment.*dead-letters/ } },
      path,
    );
  }
});

t.test('accepted updates cannot be thrown away from the board', async (t) => {
  const id = await acceptUpdate();
  const paths = [
    '/updates/empty',
    '/updates/obliterate',
    '/updates/clean/wait',
    '/updates/clean/failed',
    `/updates/${id}/clean`,
  ];
  for (const path of paths) {
    const refused = await put(path, as('writer'));
    t.match(refused, { status: 409, body: { code: 'would_lose_updates', detail: /accepted/ } }, path);
  }
  t.equal(await queue.getWaitingCount(), 1);
  t.equal((await readActions('board.empty')).length, 0, 'what was refused is not recorded as done');
});

t.test('the board names its queues and jobs by what is in them, and shows the queue in PostgreSQL', async (t) => {
  await queue.add('apply-updates', { strange: true } as never);
  const find = async (name: string, user: keyof typeof passwords = 'reader') => {
    const { body } = await api.request(`${queueApi}?activeQueue=${name}&status=waiting`, { headers: as(user) });
    return body.queues.find((found: { name: string }) => found.name === name);
  };
  const redis = await find('updates');
  t.equal(redis.displayName, 'Updates, partition 0');
  const titles = redis.jobs.map(({ name, externalUrl }: { name: string; externalUrl: { href: string } }) => [
    name.replace(/[0-9.]+ kB/, 'N kB'),
    externalUrl.href,
  ]);
  t.same(titles.sort(), [
    ['apply-updates, not readable', '../../'],
    ['board: phone-1, counter 1, N kB', '../../?field=board'],
  ]);
  const name = 'postgresql-updates';
  const refused = await put(`/${name}/pause`, as('writer'));
  t.match(refused, { status: 403, body: { code: 'forbidden' } });
  t.match(await find(name, 'writer'), { displayName: 'Updates in PostgreSQL', readOnlyMode: true, isPaused: false });
  for (const job of await queue.getWaiting()) if (job.name && !('field' in job.data)) await job.remove();
});

t.test('no job can be added or edited on the board', async (t) => {
  const job = { name: 'apply-updates', data: { field: 'global', device: 'victim-phone', updates: [] } };
  const headers = { ...as('writer'), 'content-type': 'application/json' };
  const added = await api.request(`${queueApi}/updates/add`, { method: 'POST', headers, body: job });
  t.match(added, { status: 403, body: { code: 'forbidden', detail: /enqueue/ } });
  const [waiting] = await queue.getWaiting();
  const path = `${queueApi}/updates/${waiting?.id}/update-data`;
  const edited = await api.request(path, { method: 'PATCH', headers, body: { jobData: {} } });
  t.match(edited, { status: 403, body: { code: 'forbidden' } });
  t.equal(await queue.getWaitingCount(), 1);
});

t.test('the records can be neither changed nor deleted', async (t) => {
  for (const sql of [
    "UPDATE operator_actions SET operator = 'nobody'",
    'DELETE FROM operator_actions',
    'TRUNCATE operator_actions',
  ]) {
    await t.rejects(backing.db.raw(sql), /append-only/, sql);
  }
  t.ok((await readActions('board')).length > 0);
});

t.test('a thousand guesses check a handful of passwords, and others at the address can log in', async (t) => {
  const guessed = await withApi(t, backing, settings);
  const answers = new Map<number, number>();
  for (let guess = 0; guess < 1000; guess += 1) {
    const { status, headers } = await guessed.request(queueApi, { headers: basic('reader', `guess ${guess}`) });
    answers.set(status, (answers.get(status) ?? 0) + 1);
    if (status === 429) t.ok(Number(headers.get('retry-after')) >= 1);
  }
  t.same([...answers.keys()].sort(), [401, 429]);
  t.ok((answers.get(401) ?? 0) <= 12, `${answers.get(401)} passwords were checked`);
  t.equal((await guessed.request(queueApi, { headers: as('reader') })).status, 429, 'the right one has to wait too');
  t.equal((await guessed.request(queueApi, { headers: as('writer') })).status, 200, 'another operator');
  t.equal((await api.request(queueApi, { headers: as('reader') })).status, 200, 'who is logged in stays so');
  await guessed.stop();
  const failures = await readActions('login.failed');
  t.match(failures, [{ operator: 'reader', origin: '127.0.0.1', target: null, details: { count: 1001 } }]);
});

t.test('an unknown name is answered like a wrong password, and its text is not recorded', async (t) => {
  const other = await withApi(t, backing, settings);
  for (const [name, password] of [
    ['nobody', 'x'],
    ['kite-velvet-otter-91', ''],
  ] as const) {
    t.match(await other.request(queueApi, { headers: basic(name, password) }), {
      status: 401,
      body: { code: 'unauthorized', detail: 'The name or the password is wrong' },
    });
  }
  await other.stop();
  const text = JSON.stringify(await readActions('login.failed'));
  t.match(text, /unknown name/);
  t.notMatch(text, /nobody|kite-velvet/);
});
