/** A rolling restart under load: no request fails except for connections that are retried. */
import t, { type Test } from 'tap';
import { readLeaseHolders } from '../../db/leases/lease-holders.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import type { RunningProcess } from '../../dev/processes/child-process.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { signToken } from '../../shared/auth/jwt.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { type Backing, withBacking } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('rolling');
const clients = 3;

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/api/health/ready`).catch(() => undefined);
  return response?.status === 200;
}

/** An API process that can be replaced on the same port. */
async function withApiProcess(t: Test, backing: Backing) {
  const port = String(await findFreePort());
  const url = `http://127.0.0.1:${port}`;
  const start = async (): Promise<RunningProcess> => {
    const running = await withProcess(t, 'api', backing, { PORT: port, HOST: '127.0.0.1' });
    await waitUntil('the API is ready', () => isReady(url), { timeoutMs: 30_000 });
    return running;
  };
  let running = await start();
  return {
    url,
    async replace() {
      running.sendSignal('SIGTERM');
      const exit = await running.exited;
      running = await start();
      return exit;
    },
  };
}

t.test('all processes are replaced under load', async (t) => {
  const backing = await withBacking(t);
  const { config, producer, reader, db } = backing;
  const apis = [await withApiProcess(t, backing), await withApiProcess(t, backing)];
  let worker = await withProcess(t, 'workers', backing);
  await withProcess(t, 'workers', backing);

  let isLoadOn = true;
  let retried = 0;
  const statuses = new Map<number, number>();
  const post = async (device: string, token: string, counter: number): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      const url = apis[(counter + attempt) % apis.length]?.url;
      const body = JSON.stringify({ updates: [setCell(counter, device.length, counter / 10_000)] });
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const response = await fetch(`${url}/api/fields/${field}/updates`, { method: 'POST', headers, body }).catch(
        () => undefined,
      );
      if (response) {
        await response.arrayBuffer();
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        return;
      }
      retried += 1;
    }
  };
  const send = async (index: number): Promise<number> => {
    const device = `device${'-'.repeat(index)}`;
    const key = { secret: config.JWT_SECRET ?? '', issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE };
    const scope = ['field:write'] as const;
    const { token } = await signToken(
      { sub: device, device: asDevice(device), fields: ['*'], scope, expiresInSeconds: 600 },
      key,
    );
    let counter = 0;
    while (isLoadOn) await post(device, token, ++counter);
    return counter;
  };
  const load = Promise.all(Array.from({ length: clients }, (_, index) => send(index)));

  await waitForVersion(backing, field, 200);
  for (const api of apis) t.equal(await api.replace(), 'code 0', 'the API exits cleanly');
  for (let round = 0; round < 2; round += 1) {
    const { version } = (await reader.readLog(field, 0, 1)) ?? { version: 0 };
    worker.sendSignal('SIGTERM');
    t.equal(await worker.exited, 'code 0', 'the worker exits cleanly');
    worker = await withProcess(t, 'workers', backing);
    await waitUntil(
      'the new worker is registered',
      async () => (await readLeaseHolders(db, config.QUEUE_PREFIX)).length === 2,
    );
    await waitForVersion(backing, field, version + 200);
  }
  isLoadOn = false;
  const sent = (await load).reduce((sum, count) => sum + count, 0);
  await waitForVersion(backing, field, sent);
  await waitUntil('the queue is empty', async () => (await producer.countBacklog()) === 0);
  t.same([...statuses], [[202, sent]], 'every request was accepted');
  t.comment(`${sent} updates, ${retried} requests retried`);
  t.equal((await reader.readLog(field, 0, 1))?.version, sent, 'every update was applied once');
  t.equal(await producer.queues.countJobs('failed'), 0);
  t.same((await verifyField(db, field)).differences, []);
});
