import { Writable } from 'node:stream';
import t, { type Test } from 'tap';
import { connectDatabase } from '../../db/connect.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { withPostgres } from '../support/servers/postgres.ts';
import { waitUntil } from '../support/wait-until.ts';

type Line = Record<string, unknown>;

function withLines(level = 'info') {
  const lines: Line[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { log: createLogger({ name: 'test', level }, destination), lines };
}

t.test('a log line is JSON, with its cause, and without secrets', async (t) => {
  const { log, lines } = withLines();
  const err = new Error('outer', { cause: new Error('the reason') });
  log.error({ err, token: 'planted', password: 'planted', redis: { password: 'planted' } }, 'a\nforged line');
  t.equal(lines.length, 1, 'a line stays one');
  t.match(lines[0], { msg: 'a\nforged line', err: { message: /outer.*the reason/ } });
  t.notMatch(JSON.stringify(lines), 'planted');
});

t.test('that PostgreSQL is lost and back is told once each', { timeout: 60_000 }, async (t: Test) => {
  const { log, lines } = withLines();
  const postgres = await withPostgres(t);
  const db = connectDatabase({ url: postgres.url, poolSize: 2, applicationName: 'field-test', log });
  t.teardown(() => db.destroy());
  const told = (msg: string) => lines.filter((line) => line.msg === msg).length;
  await db.raw('SELECT 1');
  await postgres.stop();
  for (let attempt = 0; attempt < 3; attempt++) await t.rejects(db.raw('SELECT 1'));
  t.equal(told('postgres connection lost'), 1);
  await postgres.start();
  await waitUntil('it answers again', async () => db.raw('SELECT 1').then(() => true));
  t.equal(told('postgres connection restored'), 1);
  t.notMatch(JSON.stringify(lines), /:\/\/[^"]*test@/, 'without its password');
});
