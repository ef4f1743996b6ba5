/** `GET /api/fields` lists what a token may read, in pages. */
import t from 'tap';
import { fieldsPageSchema } from '../../shared/contract/state.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { putParticle, setCell } from '../support/updates.ts';
import { withApi } from './support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const everything = await api.createToken();

async function list(token: string, query = '') {
  const response = await api.request(`/api/fields${query}`, { token });
  if (response.status !== 200) throw new Error(`answered with ${response.status}: ${response.text}`);
  return fieldsPageSchema.parse(response.body);
}

const idsOf = ({ fields }: { readonly fields: readonly { readonly field: string }[] }) =>
  fields.map(({ field }) => field);

t.test('the list has every field that the token covers and that has updates, in order', async (t) => {
  t.same(await list(everything), { fields: [] });
  for (const field of ['team-b', 'team-a', 'teamxa', 'other', 'global']) {
    const updates = [setCell(1, 1, 0.5), putParticle(2, 'star')];
    const headers = { prefer: 'wait=30' };
    const sent = await api.request(`/api/fields/${field}/updates`, { token: everything, headers, body: { updates } });
    t.equal(sent.status, 200);
  }
  t.same(idsOf(await list(everything)), ['global', 'other', 'team-a', 'team-b', 'teamxa']);
  t.match((await list(everything)).fields[0], { field: 'global', version: 2, devices: 1, lastUpdate: Number });
  t.same(idsOf(await list(await api.createToken({ fields: ['team-*'] }))), ['team-a', 'team-b']);
  t.same(idsOf(await list(await api.createToken({ fields: ['other', 'team_*', 'teamxa', 'none'] }))), [
    'other',
    'teamxa',
  ]);
  t.same(await list(await api.createToken({ fields: [] })), { fields: [] });
});

t.test('the list is paged', async (t) => {
  const first = await list(everything, '?limit=2');
  t.same([idsOf(first), first.next], [['global', 'other'], 'other']);
  const second = await list(everything, '?limit=2&after=other');
  t.same([idsOf(second), second.next], [['team-a', 'team-b'], 'team-b']);
  const last = await list(everything, '?limit=2&after=team-b');
  t.same([idsOf(last), last.next], [['teamxa'], undefined]);
});

t.test('the list requires a token that can read, and a valid range', async (t) => {
  t.equal((await api.request('/api/fields')).status, 401);
  const writer = await api.createToken({ scope: ['field:write'] });
  t.match(await api.request('/api/fields', { token: writer }), { status: 403, body: { code: 'forbidden' } });
  for (const query of ['?limit=0', '?limit=101', '?after=A'])
    t.equal((await api.request(`/api/fields${query}`, { token: everything })).status, 400, query);
});
