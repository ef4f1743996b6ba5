import { readdir } from 'node:fs/promises';
import t from 'tap';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { withPgClient } from '../../support/servers/query-postgres.ts';
import { withDatabase } from '../../support/servers/servers.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { withFilledBacking } from '../../support/with-backup.ts';
import { withFolder } from '../../support/with-folder.ts';
import { restoreTarget, settingsOf, withField } from '../run-field.ts';

t.test('a backup can be taken, listed, verified and restored into an empty database', async (t) => {
  const backing = await withFilledBacking(t);
  const folder = await withFolder(t);
  const settings = { ...settingsOf(backing), BACKUP_FOLDER: folder };
  const field = await withField(t, settings);
  t.match(await field(['backup', 'list']), { code: 0, stdout: `No backups in ${folder}\n` });
  t.match(await field(['backup', 'verify']), { code: 1, stderr: /No backups in/ });

  const taken = await field(['backup', '--json']);
  t.equal(taken.code, 0, taken.stderr);
  const { path, rows, fields, installation } = JSON.parse(taken.stdout);
  t.match(fields, [{ field: 'garden', version: 33 }, {}]);
  t.ok(rows > 34);
  t.match(JSON.parse((await field(['backup', 'list', '--json'])).stdout), {
    folder,
    backups: [{ path, rows, installation, isVerified: false }],
  });
  t.match(await field(['backup', 'verify']), {
    code: 0,
    stdout:
      /is verified: 2 fields, 34 updates replayed\nRestored in \d+\.\d s; compared the state and \d+ snapshots? with the replayed log, .+ in \d+\.\d s/,
  });
  t.match(await field(['backup', 'list']), { code: 0, stdout: /field-\S+ +20\S+Z +2 +\d+ +\S+ kB +20\S+Z\n1 in / });

  const { directUrl: url } = await withDatabase(t);
  const target = restoreTarget(url);
  const restored = await field(['restore', path, ...target.args], { env: target.env });
  t.match(restored, { code: 0, stdout: /^2 fields, \d+ rows in .*\/field_test_/ });
  t.match(await field(['verify'], { env: { DATABASE_URL: url } }), { code: 0, stdout: /2 fields verified, 0 differ/ });
  const states = [backing.config.DATABASE_URL, url].map((DATABASE_URL) =>
    field(['state', 'garden', '--json'], { env: { DATABASE_URL } }),
  );
  const [before, after] = await Promise.all(states);
  t.equal(after?.stdout, before?.stdout, 'the same bytes');

  t.match(await field(['restore', path, ...target.args, '--json'], { env: target.env }), {
    code: 1,
    stdout: '',
    stderr: /^Refused \(not_empty\): .*contains rows\n.*empty database/m,
  });
});

t.test('Ctrl-C removes the unfinished backup, and one that a crash leaves behind is not listed', async (t) => {
  const backing = await withFilledBacking(t);
  const DATABASE_URL = directDatabaseUrl(backing.config);
  await withPgClient(DATABASE_URL, (client) =>
    client.query(`
      INSERT INTO field_updates (field_id, version, device_id, counter, logged_at, outcome, rules, salt, hash, update)
      SELECT 'filler', n, 'device', n, n, 'applied', 2, '', '', jsonb_build_object('text', md5(n::text) || md5((-n)::text))
      FROM generate_series(1, 300000) AS n`),
  );
  const folder = await withFolder(t);
  const field = await withField(t, { DATABASE_URL });
  const running = field.start(['backup', '--to', folder]);
  await waitUntil('the backup has begun', async () => (await readdir(folder)).length > 0, { intervalMs: 5 });
  running.interrupt();
  t.match(await running.ended, { code: 130, stderr: /The unfinished backup was removed/ });
  t.same(await readdir(folder), []);

  const crashing = field.spawn(['backup', '--to', folder]);
  // The deadline is longer than the default, because the binary has to start first.
  const hasBegun = async () => (await readdir(folder)).length > 0;
  await waitUntil('the second backup has begun', hasBegun, { intervalMs: 5, timeoutMs: 60_000 });
  crashing.child.kill('SIGKILL');
  await crashing.ended;
  t.match(await readdir(folder), [/^\.partial-/]);
  t.match(await field(['backup', 'list', folder]), { code: 0, stdout: /^No backups/ });
});
