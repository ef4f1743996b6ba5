/** Tests the buffered logger in a child process, because its output must be observed from outside. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { testProcess } from '../support/processes/modules.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Starts a process that logs in one of the ways of test/support/processes/buffered-logger.ts. */
const run = (way: string) => spawn(process.execPath, [testProcess('test/support/processes/buffered-logger'), way]);

const messagesOf = (lines: string) => lines.match(/"msg":"[^"]*"/g);

t.test('a warning flushes all lines before it, and a single line is flushed periodically', async (t) => {
  const blocked = run('blocked');
  let written = '';
  blocked.stdout.on('data', (chunk) => {
    written += chunk;
  });
  t.teardown(() => blocked.kill('SIGKILL'));
  await waitUntil('both lines are written', async () => written.includes('two'), { timeoutMs: 20_000 });
  t.same(messagesOf(written), ['"msg":"one"', '"msg":"two"']);

  const living = run('living');
  t.teardown(() => living.kill('SIGKILL'));
  const [line] = await once(living.stdout, 'data');
  t.same(messagesOf(String(line)), ['"msg":"three"']);
});

t.test('a process writes its last line before it exits, also after an uncaught error', async (t) => {
  for (const [way, code] of Object.entries({ exiting: 3, crashing: 1, ending: 0 })) {
    const child = run(way);
    const [written, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    t.equal(exitCode, code);
    t.match(written, /"msg":"the last"/, way);
  }
});

t.test(
  'a log without a reader does not block the process, is bounded in memory and reports dropped lines',
  async (t) => {
    const child = run('flooding');
    t.teardown(() => child.kill('SIGKILL'));
    const [output] = await once(child.stderr, 'data', { signal: AbortSignal.timeout(20_000) });
    t.equal(String(output), 'not blocked\n');

    const written = await text(child.stdout);
    const kept = messagesOf(written)?.filter((message) => message === '"msg":"not read"').length ?? 0;
    const dropped = Number(/"lines":(\d+),"msg":"log lines dropped/.exec(written)?.[1]);
    t.equal(kept + dropped, 30_000);
    t.ok(dropped > 0);
  },
);
