/** From the request id that a client was given to its update: through the log of the API, and through dead letters. */
import { Writable } from 'node:stream';
import t from 'tap';
import { createLogger } from '../../shared/process/logger.ts';
import { settingsOf, withField } from '../cli/run-field.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asField, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withApi } from './support/with-app.ts';

t.test('a request id leads to the update in the log, or to the dead letter', async (t) => {
  const backing = await withBacking(t);
  const lines: string[] = [];
  const destination = new Writable({
    write: (line, _encoding, done) => {
      lines.push(String(line));
      done();
    },
  });
  const api = await withApi(t, { ...backing, log: createLogger({ name: 'api', level: 'info' }, destination) });
  const field = await withField(t, settingsOf(backing));
  const send = async (device: string, headers: Record<string, string> = {}) => {
    const updates = [setCell(7, 1, 0.5), setCell(8, 2, 0.5)];
    const token = await api.createToken({ device });
    const sent = await api.request('/api/fields/garden/updates', { token, headers, body: { updates } });
    t.equal(sent.status, 202);
    return sent.headers.get('x-request-id') ?? '';
  };
  await backing.db.raw(`ALTER TABLE field_updates ADD CONSTRAINT no_mallory CHECK (device_id <> 'mallory')`);
  const applied = await send('phone-1');
  const failed = await send('mallory');
  t.match(applied, /^[0-9a-f]{8}-[0-9a-z]+$/);
  t.not(applied, failed);
  const chosen = await api.request('/api/health/live', { headers: { 'x-request-id': 'chosen by the client' } });
  t.match(chosen.headers.get('x-request-id'), /^[0-9a-f]{8}-/, 'clients cannot choose what is logged');

  const line = await waitUntil('the request is logged', () => lines.find((text) => text.includes(`"${applied}"`)));
  const { device, counters, url } = JSON.parse(line);
  t.match(JSON.parse(line), { reqId: applied, status: 202, device: 'phone-1', counters: [7, 8] });
  await withWorker(t, backing);
  await waitForVersion(backing, asField('garden'), 2);
  const search = ['search', '--field', url.split('/')[3], '--device', device, '--counter', String(counters[0])];
  t.match(JSON.parse((await field([...search, '--json'])).stdout).entries, [{ device: 'phone-1', counter: 7 }]);

  const list = ['dead-letters', 'list', '--request', failed, '--json'];
  const dead = await waitUntil('the other one is a dead letter', async () => {
    const { jobs } = JSON.parse((await field(list)).stdout);
    return jobs.length === 1 && jobs;
  });
  t.match(dead, [{ device: 'mallory', request: failed, counters: [7, 8], reason: /no_mallory/ }]);
  t.match(await field(['dead-letters', 'list', '--request', applied]), { stdout: /None of 1 dead-letter job/ });
});
