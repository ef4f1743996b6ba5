import t from 'tap';
import { problemSchema } from '../../shared/contract/problem.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { withApi } from './support/with-app.ts';

const backing = await withBacking(t);
const api = await withApi(t, backing);
const token = await api.createToken();

async function post(body: string | Buffer, headers: Record<string, string> = {}) {
  const response = await fetch(`${api.address}/api/fields/bodies/updates`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body,
  });
  return {
    status: response.status,
    problem: response.status < 400 ? undefined : problemSchema.parse(await response.json()),
  };
}

const update = JSON.stringify({ updates: [setCell(1, 1, 0.5)] });

t.test('a body that is not valid UTF-8 is refused instead of repaired', async (t) => {
  const bytes = Buffer.concat([Buffer.from('{"updates":"'), Buffer.from([0xff, 0xc0]), Buffer.from('"}')]);
  t.match(await post(bytes), { status: 400, problem: { code: 'bad_request', detail: /UTF-8/ } });
});

t.test('only uncompressed JSON is accepted', async (t) => {
  t.match(await post(update, { 'content-type': 'text/plain' }), {
    status: 415,
    problem: { code: 'unsupported_media_type' },
  });
  t.match(await post(update, { 'content-encoding': 'gzip' }), {
    status: 415,
    problem: { code: 'unsupported_media_type' },
  });
  t.match(await post('{"updates":'), { status: 400, problem: { code: 'bad_request', detail: /valid JSON/ } });
  t.match(await post('{"__proto__":{}}'), { status: 400, problem: { code: 'bad_request' } });
  t.equal((await post(update)).status, 202);
  t.equal((await post(update, { 'content-type': 'application/json; charset=utf-8' })).status, 202);
});

t.test('no counter of a batch may be more than 1,000,000 above the last of the device', async (t) => {
  const body = JSON.stringify({ updates: [setCell(900_000, 1, 0.5), setCell(1_500_000, 1, 0.5)] });
  t.match(await post(body), {
    status: 400,
    problem: { code: 'counter_too_far', errors: [{ path: '/updates/1/counter' }] },
  });
});
