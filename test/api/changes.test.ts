/** The change feed over HTTP: complete and without repetition, whatever commits meanwhile and wherever the reader is cut off. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { pruneChanges } from '../../db/changes/prune-changes.ts';
import { sequenceChanges } from '../../db/changes/sequence-changes.ts';
import { deleteField } from '../../db/erase/delete-field.ts';
import { lockFields } from '../../db/write/lock-fields.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { createPseudonyms } from '../../shared/history/pseudonyms.ts';
import { retry } from '../../shared/process/retry.ts';
import { pruneThrough } from '../../workers/maintenance/prune-logs.ts';
import { openCommitter } from '../support/committer.ts';
import { countStatements } from '../support/measure/count-statements.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { seededRandom } from '../unit/field/support/seeded-random.ts';
import { type TestApi, withApi } from './support/with-app.ts';

const [garden, pond, team] = [asField('garden'), asField('pond'), asField('team-a')];
const ada = asDevice('ada');

interface Line {
  readonly field?: FieldId;
  readonly entry?: { readonly version: number; readonly device?: string; readonly update?: { readonly kind: string } };
  readonly pruned?: { readonly through: number };
  readonly deleted?: boolean;
  readonly next?: string;
  readonly end?: string;
  readonly entries?: number;
  readonly after?: string;
}

const toLines = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const createToken = (api: TestApi) => api.createToken({ user: 'pipeline', device: null, scope: ['changes:read'] });

/** The changes after a cursor, without the header, and where they end. */
async function read(api: TestApi, query = ''): Promise<{ lines: Line[]; end: string }> {
  const { status, text } = await api.request(`/api/changes?${query}`, { token: await createToken(api) });
  if (status !== 200) throw new Error(text);
  const [, ...lines] = toLines(text);
  return { lines: lines.slice(0, -1), end: lines.at(-1)?.end ?? '' };
}

const describe = ({ field, entry, pruned, deleted }: Line) =>
  `${field} ${entry?.version ?? (pruned ? `pruned ${pruned.through}` : deleted ? 'deleted' : '')}`;
const describeAll = (lines: readonly Line[]) => lines.filter(({ field }) => field).map(describe);

async function commit({ db }: Pick<Backing, 'db'>, field: FieldId, counters: readonly number[], device = ada) {
  const updates = counters.map((counter) => setCell(counter, counter % 30, counter / 1000));
  await openCommitter(db).commit(new Map([[field, [jobOf(field, device, updates)]]]));
}

async function open(t: Test, api: TestApi, query = ''): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${await createToken(api)}` };
  const request = get(`${api.address}/api/changes?${query}`, { headers });
  const [response] = await once(request, 'response');
  t.teardown(() => response.destroy());
  response.on('error', () => undefined);
  return response;
}

t.test('readers get every entry once, in order, while writers commit concurrently', async (t) => {
  const backing = await withBacking(t, { DATABASE_POOL_SIZE: '20' });
  const api = await withApi(t, backing);
  const { db } = backing;
  const fields = Array.from({ length: 12 }, (_, index) => asField(`field-${index}`));
  const random = seededRandom(7);
  let isWriting = true;
  const write = async (device: string) => {
    const { commit } = openCommitter(db);
    const counts = new Map<FieldId, number>();
    for (let round = 1; round <= 12; round += 1) {
      const chosen = fields.filter(() => random.below(6) === 0);
      // Large transactions keep their commits back, so that others with later log times overtake them.
      const jobs = chosen.map((field) => {
        const first = counts.get(field) ?? 1;
        const counters = Array.from({ length: 1 + random.below(20) }, (_, index) => first + index);
        counts.set(field, first + counters.length);
        return [
          field,
          [
            jobOf(
              field,
              asDevice(device),
              counters.map((counter) => setCell(counter, 1, 0.5)),
            ),
          ],
        ] as const;
      });
      // Writers to the same fields find them moved by each other more often than one commit retries.
      await retry(() => commit(new Map(jobs)), { initialDelayMs: 10, maxDelayMs: 50 });
      await sequenceChanges(db, random.below(4) === 0 ? undefined : chosen);
    }
  };
  const writing = Promise.all(['a', 'b', 'c'].map(write)).finally(() => {
    isWriting = false;
  });
  const collected: Line[] = [];
  let after = '';
  let requests = 0;
  const readNext = async () => {
    const { lines, end } = await read(api, after && `after=${after}`);
    requests += 1;
    // As if the connection had broken after some of the lines.
    const kept = random.below(3) === 0 ? lines.slice(0, random.below(lines.length + 1)) : lines;
    collected.push(...kept);
    after = kept.length === lines.length ? end : (kept.at(-1)?.next ?? after);
    return kept.length === lines.length && lines.length === 0;
  };
  while (isWriting) await readNext();
  await writing;
  await sequenceChanges(db);
  while (!(await readNext()));
  const logged: { field_id: string; version: number }[] = await db('field_updates')
    .select('field_id', 'version')
    .orderBy(['field_id', 'version']);
  t.ok(logged.length > 400, `${logged.length} entries`);
  t.ok(requests > 5, `${requests} requests`);
  // A stable sort: those of a field stay in the order in which they came.
  const received = collected
    .filter(({ entry }) => entry)
    .sort((a, b) => ((a.field ?? '') < (b.field ?? '') ? -1 : Number(a.field !== b.field)));
  t.same(
    received.map(describe),
    logged.map(({ field_id, version }) => `${field_id} ${version}`),
  );
});

t.test('a reader that follows gets what a worker commits, and is cut off once its token is revoked', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  await withWorker(t, backing);
  const response = await open(t, api, 'follow=true');
  const lines: Line[] = [];
  const reader = createInterface(response).on('line', (line) => lines.push(JSON.parse(line)));
  reader.on('error', () => undefined);
  for (const counter of [1, 2, 3]) {
    await backing.producer.enqueue(jobOf(garden, ada, [setCell(counter, 1, counter / 10)]));
    await waitUntil(`entry ${counter} arrives`, () => describeAll(lines).includes(`garden ${counter}`));
  }
  t.same(describeAll(lines), ['garden 1', 'garden 2', 'garden 3']);
  t.match(
    lines.find(({ entry }) => entry),
    { entry: { device: 'ada', update: { kind: 'cells.set' } } },
  );
  const ended = new Promise((resolve) => response.once('close', resolve));
  await backing
    .db('revocations')
    .insert({ kind: 'user', subject: 'pipeline', revoked_at: Date.now() + 5000, change: 1 });
  await ended;
  t.notOk(response.complete, 'it has no end');
});

t.test('a slow reader makes the server wait', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  const { commit } = openCommitter(backing.db);
  const attributes = {
    content: '€'.repeat(2000),
    connections: Array.from({ length: 64 }, (_, index) => `${index}`.padStart(128, '€')),
  };
  for (let first = 1; first <= 600; first += 100) {
    const updates = Array.from({ length: 100 }, (_, index) => putParticle(first + index, `p${index % 5}`, attributes));
    await commit(new Map([[garden, [jobOf(garden, ada, updates)]]]));
  }
  await sequenceChanges(backing.db);
  const readPages = await countStatements(backing.db, '%entries_through%');
  const response = await open(t, api);
  let pages = 0;
  await waitUntil(
    'no further page is read',
    async () => {
      const before = pages;
      pages = await readPages();
      return pages > 0 && pages === before;
    },
    { intervalMs: 300 },
  );
  t.ok(pages < 12, `${pages} pages of about 18 were read`);
  const lines: Line[] = [];
  for await (const line of createInterface(response)) lines.push(JSON.parse(line));
  t.match(lines.at(-1), { entries: 600 });
});

t.test('what retention has pruned and what was erased are lines', async (t) => {
  const backing = await withBacking(t);
  const { db } = backing;
  const api = await withApi(t, backing);
  for (const [first, field] of [
    [1, garden],
    [1, pond],
    [11, garden],
    [21, garden],
  ] as const) {
    await commit(
      backing,
      field,
      Array.from({ length: 10 }, (_, index) => first + index),
    );
    await sequenceChanges(db);
  }
  const before = await read(api);
  const middle = before.lines[4]?.next;
  await db.transaction(async (trx) => {
    const [locked] = await lockFields(trx, [garden]);
    if (locked) await pruneThrough(trx, locked, 25);
  });
  const expected = ['garden 26', 'garden 27', 'garden 28', 'garden 29', 'garden 30'];
  const pondLines = Array.from({ length: 10 }, (_, index) => `pond ${index + 1}`);
  t.same(describeAll((await read(api)).lines), [
    ...['garden pruned 10', ...pondLines, 'garden pruned 20', 'garden pruned 25', ...expected],
  ]);
  t.equal(await pruneChanges(db, 30), 1, 'a range without entries is merged into a later one');
  t.equal(await pruneChanges(db, 30), 0);
  t.same(describeAll((await read(api)).lines), [...pondLines, 'garden pruned 20', 'garden pruned 25', ...expected]);
  t.same(describeAll((await read(api, `after=${middle}`)).lines).at(-7), 'garden pruned 20', 'also for who had a part');
  t.same((await read(api, `after=${before.end}`)).lines, [], 'and for nobody who had all of it');

  await deleteField(
    db,
    pond,
    createPseudonyms('a key for the pseudonyms of tests, of more than 32 bytes') ?? t.fail(),
    () => undefined,
  );
  t.same(describeAll((await read(api, `after=${before.end}`)).lines), ['pond deleted']);
  t.same(describeAll((await read(api)).lines), ['garden pruned 20', 'garden pruned 25', ...expected, 'pond deleted']);
  await commit(backing, pond, [1]);
  await sequenceChanges(db);
  t.same(describeAll((await read(api, `after=${before.end}`)).lines), ['pond deleted', 'pond 1']);
});

t.test('filters, access and cursors', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  await commit(backing, garden, [1, 2]);
  await openCommitter(backing.db).commit(
    new Map([[team, [jobOf(team, ada, [putParticle(1, 'star'), setCell(2, 1, 0.5)])]]]),
  );
  await sequenceChanges(backing.db);
  const entriesOf = async (query: string) => describeAll((await read(api, query)).lines);
  t.same(await entriesOf('field=team-*'), ['team-a 1', 'team-a 2']);
  t.same(await entriesOf('field=garden&field=pond'), ['garden 1', 'garden 2']);
  t.same(await entriesOf('kind=particle.put&kind=event'), ['team-a 1']);
  const { end } = await read(api, 'field=pond');
  t.same(await entriesOf(`after=${end}`), [], 'what was left out is passed over');
  const { end: endOfKinds } = await read(api, 'kind=event');
  t.equal(endOfKinds, end);

  const refuse = async (query: string, scope: Parameters<TestApi['createToken']>[0]) =>
    api.request(`/api/changes?${query}`, { token: await api.createToken(scope) });
  t.match(await refuse('', { scope: ['field:read', 'field:write'] }), { status: 403, body: { code: 'forbidden' } });
  t.match(await refuse('', { scope: ['board:read', 'metrics:read'] }), { status: 403, body: { code: 'forbidden' } });
  t.match(await refuse('', { scope: ['admin'] }), { status: 200 });
  t.match(await api.request('/api/changes'), { status: 401 });
  const invalid = { scope: ['changes:read'] } as const;
  t.match(await refuse('after=7', invalid), { status: 400, body: { errors: [{ path: '/query/after' }] } });
  t.match(await refuse('kind=unknown', invalid), { status: 400 });
  const [, position = '', , version = ''] = end.split('-');
  for (const unknown of [`c1-${position}-0123456789ab-${version}`, `c1-${Number(position) + 1}-0123456789ab-1`]) {
    t.match(await refuse(`after=${unknown}`, invalid), { status: 410, body: { code: 'cursor_unknown' } });
  }
  const actions = await backing.db('operator_actions').where({ action: 'changes.read', operator: 'pipeline' });
  t.equal(actions.length, 1, 'reading is recorded, and not each request');
});
