import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { gatherLines } from '../../shared/gathered-lines.ts';
import { createLog } from '../../shared/log.ts';
import { waitUntil } from '../support/wait-until.ts';

function withWrites() {
  const writes: string[] = [];
  const destination = gatherLines({ write: (lines) => void writes.push(lines) });
  return { log: createLog({ name: 'test', level: 'info' }, destination), writes };
}

const messagesOf = (lines = '') => lines.match(/"msg":"[^"]*"/g);

t.test('lines are written together, in order, a little later', async (t) => {
  const { log, writes } = withWrites();
  log.info('one');
  log.info('two');
  t.same(writes, [], 'not yet');
  await waitUntil('they are written', () => writes.length > 0);
  t.equal(writes.length, 1);
  t.same(messagesOf(writes[0]), ['"msg":"one"', '"msg":"two"']);
});

t.test('a warning is written at once, with all before it', async (t) => {
  const { log, writes } = withWrites();
  log.info('one');
  log.warn('two');
  t.same(writes.map(messagesOf), [['"msg":"one"', '"msg":"two"']]);
  log.error('three');
  t.equal(writes.length, 2);
});

t.test('many lines do not wait for the time to pass', async (t) => {
  const { log, writes } = withWrites();
  for (let number = 0; number < 500; number++) log.info({ number }, 'a line of some length');
  t.ok(writes.length > 1);
});

t.test('a process that ends by itself, or by what nobody caught, has written its last line', async (t) => {
  const log = `
    import { openProcessLog } from './shared/process-log.ts';
    const { log } = openProcessLog({ name: 'test', config: { LOG_LEVEL: 'info' }, pretty: false });
    log.info('the last');`;
  const ends = { 'process.exit(3)': 3, 'throw new Error("nobody caught it")': 1, '': 0 };
  for (const [end, code] of Object.entries(ends)) {
    const args = ['--import', 'tsx', '--input-type=module', '--eval', `${log}${end}`];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const [written, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    t.equal(exitCode, code);
    t.match(written, /"msg":"the last"/, end || 'nothing left to do');
  }
});
