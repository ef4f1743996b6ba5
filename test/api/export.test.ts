import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import t from 'tap';
import { renderExport } from '../../api/history/export-lines.ts';
import { readExportPages } from '../../db/read/export/export-log.ts';
import { FieldError } from '../../shared/errors.ts';
import { openCommitter } from '../support/committer.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { readCursorAt } from '../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withApi } from './support/with-app.ts';

const garden = asField('garden');
const count = 600;
const versions = Array.from({ length: count }, (_, index) => index + 1);
// About 30 KB each: more than what two sockets buffer, and some dozens of pages.
const attributes = {
  content: '€'.repeat(2000),
  connections: Array.from({ length: 64 }, (_, index) => `${index}`.padStart(128, '€')),
};
const backing = await withBacking(t);
const { commit } = openCommitter(backing.db);
for (let start = 0; start < count; start += 100) {
  const updates = versions
    .slice(start, start + 100)
    .map((counter) => putParticle(counter, `p${counter % 5}`, attributes));
  await commit(new Map([[garden, [jobOf(garden, asDevice('ada'), updates)]]]));
}
const api = await withApi(t, backing);

const toLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Opens an export, of which nothing is read. */
async function open(address: string, token: string): Promise<IncomingMessage> {
  const request = get(`${address}/api/fields/garden/export`, { headers: { authorization: `Bearer ${token}` } });
  const [response] = await once(request, 'response');
  return response;
}

t.test('the log is exported as lines, and resumed from a cursor', async (t) => {
  const token = await api.createToken({ scope: ['field:read'] });
  const { status, headers, text } = await api.request('/api/fields/garden/export', { token });
  t.equal(status, 200);
  t.equal(headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
  const [head, ...lines] = toLines(text);
  const end = lines.pop();
  const cursor = await readCursorAt(backing, garden, count);
  t.match(head, { format: 'field-updates-1', field: 'garden', version: count, cursor, oldest: 0, after: 0 });
  t.same(end, { end: cursor, entries: count });
  t.same(
    lines.map(({ version }) => version),
    versions,
  );
  const page = await api.request('/api/fields/garden/updates?limit=2', { token });
  t.same(lines.slice(0, 2), page.body.updates, 'entries are those of the log');
  t.notMatch(text, /"salt"|"user"/);

  const rest = await api.request(`/api/fields/garden/export?after=${lines[496].cursor}`, { token });
  const resumed = toLines(rest.text);
  t.match(resumed[0], { after: 497 });
  t.same(resumed.slice(1), [...lines.slice(497), { end: cursor, entries: 103 }]);
  t.same(toLines((await api.request(`/api/fields/garden/export?after=${cursor}`, { token })).text).slice(1), [
    { end: cursor, entries: 0 },
  ]);

  const refuse = (path: string) => api.request(`/api/fields/${path}`, { token });
  t.match(await refuse('nowhere/export'), { status: 404, body: { code: 'field_not_found' } });
  t.match(await refuse('garden/export?after=7.0123456789abcdef'), { status: 410, body: { code: 'cursor_unknown' } });
  t.match(await refuse('garden/export?after=7'), { status: 400, body: { errors: [{ path: '/query/after' }] } });
  t.match(await api.request('/api/fields/garden/export', { token, method: 'HEAD' }), { status: 200, text: '' });
});

t.test('an export is an open stream until its reader leaves', async (t) => {
  const limited = await withApi(t, backing, { LIMIT_STREAMS: '1' });
  const token = await limited.createToken({ user: 'slow' });
  const response = await open(limited.address, token);
  t.equal(response.statusCode, 200);
  t.match(await limited.request('/api/fields/garden/export', { token }), {
    status: 429,
    body: { code: 'rate_limited' },
  });
  response.destroy();
  await waitUntil('the stream of the reader is free', async () => {
    const { status } = await limited.request('/api/fields/garden/export', { token });
    return status === 200;
  });
});

t.test('pages beyond the limit come in the next window', async (t) => {
  const limited = await withApi(t, backing, { LIMIT_READS: '60', LIMIT_WINDOW_SECONDS: '1' });
  const token = await limited.createToken({ user: 'busy' });
  const { status, text } = await limited.request('/api/fields/garden/export', { token });
  t.equal(status, 200);
  t.match(toLines(text).at(-1), { entries: count });
});

t.test(
  'an export has no end if its reader may not go on, or if entries are deleted before they are read',
  async (t) => {
    const cursor = await readCursorAt(backing, garden, count);
    const range = { field: garden, after: 0, until: count };
    const lines = renderExport(
      {
        readPages: (of) => readExportPages(backing.db, of),
        chargePage: () => undefined,
        assertAllowed: async () => {
          throw new FieldError('token_revoked');
        },
        signal: new AbortController().signal,
      },
      { ...range, cursor, logStart: 0 },
    );
    t.match(JSON.parse((await lines.next()).value), { version: count });
    t.match(toLines((await lines.next()).value)[0], { version: 1 });
    await t.rejects(lines.next(), { code: 'token_revoked' });

    const pages = readExportPages(backing.db, range);
    const first = await pages.next();
    t.equal(first.value?.entries[0]?.version, 1);
    await backing.db('consciousness_states').where('field_id', 'garden').update({ log_start: 500 });
    await backing.db('field_updates').where('field_id', 'garden').where('version', '<=', 500).delete();
    await t.rejects(pages.next(), { code: 'version_not_kept' });
  },
);
