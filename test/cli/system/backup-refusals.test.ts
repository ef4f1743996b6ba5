import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { withBackupLock } from '../../../db/backup/backup-lock.ts';
import { directDatabaseUrl } from '../../../shared/config/config.ts';
import { withDatabase } from '../../support/servers/servers.ts';
import { withFilledBacking } from '../../support/with-backup.ts';
import { withFolder } from '../../support/with-folder.ts';
import { restoreTarget, settingsOf, withField } from '../run-field.ts';

t.test('restoring and verifying a damaged backup fail with the reason', async (t) => {
  const backing = await withFilledBacking(t);
  const folder = await withFolder(t);
  const field = await withField(t, settingsOf(backing));
  const { path } = JSON.parse((await field(['backup', '--to', folder, '--json'])).stdout);
  await truncate(join(path, 'field_updates.copy.gz'), 100);
  const { directUrl: url } = await withDatabase(t);
  const target = restoreTarget(url);
  const refused = await field(['restore', path, ...target.args], { env: target.env });
  t.match(refused, { code: 1, stderr: /Refused \(truncated\): field_updates\.copy\.gz.*100 of \d+ bytes\n/ });
  const verified = await field(['backup', 'verify', path, '--json']);
  t.equal(verified.code, 1);
  t.match(JSON.parse(verified.stdout), { isEqual: false, differences: [/field_updates\.copy\.gz is truncated/] });
  t.match(await field(['backup', 'list', folder]), { stdout: /FAILED 20.*truncated/ });
  t.match(await field(['restore', folder, ...target.args], { env: target.env }), {
    code: 1,
    stderr: /manifest\.json is missing/,
  });
});

t.test('backup and restore report an invalid argument, an unusable folder and a busy database', async (t) => {
  const backing = await withFilledBacking(t);
  const DATABASE_URL = directDatabaseUrl(backing.config);
  const field = await withField(t, { DATABASE_URL });
  t.match(await field(['restore', 'somewhere']), { code: 2, stderr: /--database/ });
  t.match(await field(['restore', 'somewhere', '--database', 'mysql://x']), { code: 2, stderr: /postgres:\/\// });
  for (const database of ['postgres://field:secret@127.0.0.1/x', 'postgres://field@127.0.0.1/x?password=secret']) {
    const refused = await field(['restore', 'somewhere', '--database', database]);
    t.match(refused, { code: 2, stderr: /PGPASSWORD/ });
    t.notMatch(refused.stderr, /secret/);
  }
  const file = join(await withFolder(t), 'file');
  await writeFile(file, '');
  t.match(await field(['backup', '--to', join(file, 'in')]), { code: 1, stderr: /Nothing can be written.*in the way/ });
  const busy = await withBackupLock(DATABASE_URL, () => field(['backup', '--to', '/tmp/never']));
  t.match(busy?.result, { code: 1, stderr: /is running/ });
});
