/** What a process has written of its log, and when: seen from outside, where it counts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { waitUntil } from '../support/wait-until.ts';

/** A process that opens its log as ours do, and then does this. */
function run(code: string) {
  const script = `
    import { openProcessLog } from './shared/process-log.ts';
    const { log } = openProcessLog({ name: 'test', config: { LOG_LEVEL: 'info' }, pretty: false });
    ${code}`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  return spawn(process.execPath, args);
}

const messagesOf = (lines: string) => lines.match(/"msg":"[^"]*"/g);

t.test('a warning is written at once, with all before it, and a line alone a little later', async (t) => {
  // It blocks its own event loop: what is written meanwhile has waited for nothing.
  const block = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';
  const blocked = run(`log.info('one'); log.warn('two'); ${block}`);
  let written = '';
  blocked.stdout.on('data', (chunk) => {
    written += chunk;
  });
  t.teardown(() => blocked.kill('SIGKILL'));
  await waitUntil('both are there', async () => written.includes('two'), { timeoutMs: 20_000 });
  t.same(messagesOf(written), ['"msg":"one"', '"msg":"two"']);

  const living = run("log.info('three'); setInterval(() => undefined, 1000);");
  t.teardown(() => living.kill('SIGKILL'));
  const [line] = await once(living.stdout, 'data');
  t.same(messagesOf(String(line)), ['"msg":"three"']);
});

t.test('a process that ends by itself, or by what nobody caught, has written its last line', async (t) => {
  const ends = { 'process.exit(3)': 3, 'throw new Error("nobody caught it")': 1, '': 0 };
  for (const [end, code] of Object.entries(ends)) {
    const child = run(`log.info('the last'); ${end}`);
    const [written, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    t.equal(exitCode, code);
    t.match(written, /"msg":"the last"/, end || 'nothing left to do');
  }
});

t.test('a log that nobody reads holds nothing up and fills no memory, and says later what it dropped', async (t) => {
  // More than a pipe takes, and than is kept.
  const lines = 30_000;
  const child = run(`
    for (let line = 0; line < ${lines}; line++) log.warn({ text: 'x'.repeat(1000) }, 'not served');
    setImmediate(() => console.error('still here'));`);
  t.teardown(() => child.kill('SIGKILL'));
  const [said] = await once(child.stderr, 'data', { signal: AbortSignal.timeout(20_000) });
  t.equal(String(said), 'still here\n');

  const written = await text(child.stdout);
  const kept = messagesOf(written)?.filter((message) => message === '"msg":"not served"').length ?? 0;
  const dropped = Number(/"lines":(\d+),"msg":"lines of the log were dropped/.exec(written)?.[1]);
  t.equal(kept + dropped, lines);
  t.ok(dropped > 0);
});
