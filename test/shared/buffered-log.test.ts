/** Tests the buffered logger in a child process, because its output must be observed from outside. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { waitUntil } from '../support/wait-until.ts';

/** Starts a process that creates a logger with the function that every process uses, and then runs the code. */
function run(code: string) {
  const script = `
    import { createProcessLogger } from './shared/observability/process-logger.ts';
    const { log } = createProcessLogger({ name: 'test', config: { LOG_LEVEL: 'info' }, pretty: false });
    ${code}`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  return spawn(process.execPath, args);
}

const messagesOf = (lines: string) => lines.match(/"msg":"[^"]*"/g);

t.test('a warning flushes all lines before it, and a single line is flushed periodically', async (t) => {
  // The process blocks its event loop, so only lines that were written synchronously with the warning arrive.
  const block = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';
  const blocked = run(`log.info('one'); log.warn('two'); ${block}`);
  let written = '';
  blocked.stdout.on('data', (chunk) => {
    written += chunk;
  });
  t.teardown(() => blocked.kill('SIGKILL'));
  await waitUntil('both lines are written', async () => written.includes('two'), { timeoutMs: 20_000 });
  t.same(messagesOf(written), ['"msg":"one"', '"msg":"two"']);

  const living = run("log.info('three'); setInterval(() => undefined, 1000);");
  t.teardown(() => living.kill('SIGKILL'));
  const [line] = await once(living.stdout, 'data');
  t.same(messagesOf(String(line)), ['"msg":"three"']);
});

t.test('a process writes its last line before it exits, also after an uncaught error', async (t) => {
  const ends = { 'process.exit(3)': 3, 'throw new Error("not caught")': 1, '': 0 };
  for (const [end, code] of Object.entries(ends)) {
    const child = run(`log.info('the last'); ${end}`);
    const [written, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    t.equal(exitCode, code);
    t.match(written, /"msg":"the last"/, end || 'the event loop is empty');
  }
});

t.test(
  'a log without a reader does not block the process, is bounded in memory and reports dropped lines',
  async (t) => {
    // These lines exceed the capacity of the pipe and of the buffer.
    const lines = 30_000;
    const child = run(`
    for (let line = 0; line < ${lines}; line++) log.warn({ text: 'x'.repeat(1000) }, 'not read');
    setImmediate(() => console.error('not blocked'));`);
    t.teardown(() => child.kill('SIGKILL'));
    const [output] = await once(child.stderr, 'data', { signal: AbortSignal.timeout(20_000) });
    t.equal(String(output), 'not blocked\n');

    const written = await text(child.stdout);
    const kept = messagesOf(written)?.filter((message) => message === '"msg":"not read"').length ?? 0;
    const dropped = Number(/"lines":(\d+),"msg":"log lines dropped/.exec(written)?.[1]);
    t.equal(kept + dropped, lines);
    t.ok(dropped > 0);
  },
);
