/** Runs of `enqueue` on the operators' page: who may change them, and what is recorded. */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { findRun, insertRun, type RunStatus } from '../../db/operators/enqueue-run.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { asField } from '../support/updates.ts';
import { withApi } from './support/with-app.ts';

const password = 'kite-velvet-otter-91';
const headers = { authorization: `Basic ${Buffer.from(`operator:${password}`).toString('base64')}` };

t.test('operators pause, resume and cancel runs on the page', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing, { ADMIN_PASSWORD: password });
  const id = randomUUID();
  const name = '"><img src=x>';
  await insertRun(backing.db, { id, name, fieldId: asField('garden'), operator: 'ada@laptop', status: 'running' });
  const readPage = async (more: Record<string, string> = headers) =>
    (await fetch(`${api.address}/admin/`, { headers: more })).text();
  const change = async (action: string, run: string = id, more: Record<string, string> = headers) => {
    const body = new URLSearchParams({ run });
    return fetch(`${api.address}/admin/runs/${action}`, { method: 'POST', headers: more, body, redirect: 'manual' });
  };
  const hasStatus = async (status: RunStatus) => t.equal((await findRun(backing.db, id))?.status, status);

  const page = await readPage();
  t.match(page, new RegExp(`action="/admin/runs/pause"><input type="hidden" name="run" value="${id}">`));
  t.match(page, /action="\/admin\/runs\/cancel"/);
  t.notMatch(page, /action="\/admin\/runs\/resume"|<img/, 'what can be done with it, and nothing of its name but text');

  const reader = { authorization: `Bearer ${await api.createToken({ scope: ['board:read'] })}` };
  t.notMatch(await readPage(reader), /admin\/runs/);
  t.equal((await change('pause', id, reader)).status, 403);
  t.equal((await change('pause', id, { ...headers, origin: 'https://elsewhere.example' })).status, 403);
  await hasStatus('running');

  const paused = await change('pause');
  t.equal(paused.status, 303);
  t.equal(paused.headers.get('location'), '/admin/');
  await hasStatus('paused');
  t.match(await readPage(), /action="\/admin\/runs\/resume"/);
  t.match(await (await change('pause')).json(), {
    code: 'invalid_input',
    detail: 'Only a run that is running can be paused',
  });
  t.equal((await change('resume')).status, 303);
  await hasStatus('running');
  t.equal((await change('cancel')).status, 303);
  await hasStatus('cancelled');
  t.notMatch(await readPage(), /action="\/admin\/runs/);
  t.equal((await change('pause', 'no-id')).status, 400);
  t.equal((await change('pause', randomUUID())).status, 400);

  const audit = await api.request('/admin/audit?format=json', { headers });
  const recorded = audit.body.actions.filter(({ target }: { target: string }) => target === id);
  t.same(
    recorded.map(({ action }: { action: string }) => action),
    ['runs.cancel', 'runs.resume', 'runs.pause', 'runs.pause'],
    'also what was tried in vain',
  );
});
