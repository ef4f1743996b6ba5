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

t.test('a log line is JSON with the cause of its error and without secrets', async (t) => {
  const { log, lines } = withLines();
  const err = new Error('outer', { cause: new Error('the reason') });
  log.error({ err, token: 'planted', password: 'planted', redis: { password: 'planted' } }, 'a\nforged line');
  t.equal(lines.length, 1, 'the line break is escaped');
  t.match(lines[0], { msg: 'a\nforged line', err: { message: /outer.*the reason/ } });
  t.notMatch(JSON.stringify(lines), 'planted');
});

t.test('the loss and the return of PostgreSQL are logged once each', async (t: Test) => {
  const { log, lines } = withLines();
  const postgres = await withPostgres(t);
  const db = connectDatabase({ url: postgres.url, poolSize: 2, applicationName: 'field-test', log });
  t.teardown(() => db.destroy());
  const countLines = (msg: string) => lines.filter((line) => line.msg === msg).length;
  await db.raw('SELECT 1');
  await postgres.stop();
  for (let attempt = 0; attempt < 3; attempt++) await t.rejects(db.raw('SELECT 1'));
  t.equal(countLines('postgres connection lost'), 1);
  await postgres.start();
  await waitUntil('PostgreSQL answers again', async () => db.raw('SELECT 1').then(() => true));
  t.equal(countLines('postgres connection restored'), 1);
  t.notMatch(JSON.stringify(lines), /:\/\/[^"]*test@/, 'the password is not logged');
});
