import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import t, { type Test } from 'tap';
import { installedFile } from '../../support/processes/modules.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitForVersion } from '../../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../../support/updates.ts';
import { withFolder } from '../../support/with-folder.ts';
import { settingsOf, withField } from '../run-field.ts';

const garden = asField('garden');
const [ada, bob] = [asDevice('ada'), asDevice('bob')];

/** The SDK's own client, with the command as its child process. */
async function withClient(t: Test, settings: Record<string, string>) {
  const folder = await withFolder(t);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [fileURLToPath(installedFile('cli/field.mjs')), 'mcp'],
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', FIELD_DATA_DIR: folder, ...settings },
    stderr: 'pipe',
  });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  t.teardown(() => client.close());
  const call = async (name: string, args: Record<string, unknown> = {}) => {
    const { content, isError = false } = await client.callTool({ name, arguments: args });
    const [first] = content as { type: string; text: string }[];
    return { isError, text: first?.text ?? '' };
  };
  const read = async (name: string, args?: Record<string, unknown>) => {
    const { isError, text } = await call(name, args);
    t.notOk(isError, text);
    return JSON.parse(text);
  };
  return { client, call, read };
}

t.test('an assistant reads states, logs, conflicts and health, and can change nothing', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const { producer } = backing;
  await producer.enqueue(jobOf(garden, ada, [setCell(1, 4, 0.25), putParticle(2, 'star')]));
  await waitForVersion(backing, garden, 2);
  await producer.enqueue(jobOf(garden, bob, [setCell(1, 4, 0.75)]));
  await waitForVersion(backing, garden, 3);
  const { client, call, read } = await withClient(t, settingsOf(backing));

  const { tools } = await client.listTools();
  t.same(
    tools.map(({ name }) => name),
    ['status', 'doctor', 'state', 'conflicts', 'history', 'search'],
  );
  for (const { name, annotations } of tools) t.equal(annotations?.readOnlyHint, true, name);

  t.match(await read('state', { field: 'garden' }), { field: 'garden', version: 3, memoryParticles: undefined });
  t.match(await read('state', { field: 'garden', at: 2, summary: false }), { cells: { '4,0': 0.25 } });
  t.match(await read('conflicts', { field: 'garden' }), { total: 1, conflicts: [{ cell: '4,0' }] });
  t.match(await read('history', { field: 'garden', target: 'star' }), { changes: [{ device: 'ada', counter: 2 }] });
  t.match(await read('search', { device: 'bob' }), { entries: [{ field: 'garden', device: 'bob', counter: 1 }] });
  t.match(await read('status'), { postgres: { totalFields: 1 }, redis: { queue: {} } });
  t.ok((await read('doctor')).findings.length > 0);

  t.match(await call('state', { field: 'nowhere' }), { isError: true, text: /There is no field nowhere/ });
  t.match(await call('state', { field: 'No Field' }), { isError: true, text: /field/ });
  t.match(await call('search', { limit: 201 }), { isError: true, text: /limit/ });
  t.match(await call('search', { user: '\u0000' }), { isError: true, text: /U\+0000/ });
});

t.test('a result that is too long is refused with advice, and none is cut', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const content = 'x'.repeat(2000);
  const updates = Array.from({ length: 40 }, (_, index) => putParticle(index + 1, `p-${index}`, { content }));
  await backing.producer.enqueue(jobOf(garden, ada, updates));
  await waitForVersion(backing, garden, 40);
  const { call, read } = await withClient(t, settingsOf(backing));
  t.match(await call('state', { field: 'garden', summary: false }), { isError: true, text: /ask for less/ });
  t.match(await call('search', { limit: 40 }), { isError: true, text: /ask for less/ });
  t.equal((await read('search', { limit: 20 })).entries.length, 20);
});

t.test('without settings a tool says which are missing, and the server goes on', async (t) => {
  const { call } = await withClient(t, {});
  t.match(await call('state', { field: 'garden' }), { isError: true, text: /DATABASE_URL is missing/ });
  t.match(await call('status'), { isError: true, text: /QUEUE_REDIS_URL/ });
});

t.test('the server ends when the client closes its end, also before anything was said', async (t) => {
  const field = await withField(t);
  t.match(await field.spawn(['mcp'], { input: '' }).ended, { code: 0, stdout: '', stderr: '' });
  t.match(JSON.parse((await field(['mcp', '--json'])).stdout), { tools: [{ name: 'status' }] });
});
