import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { recordsFileName } from '../../db/backup/records/records-file.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { restoreTarget } from '../cli/run-field.ts';
import { openFallbackQueue } from '../support/servers/fallback-queue.ts';
import { withDatabase } from '../support/servers/servers.ts';
import { asField, putParticle, setCell } from '../support/updates.ts';
import {
  garden,
  jobBy,
  openDatabase,
  openWriter,
  searchDatabase,
  searchFiles,
  traces,
  withErasureTools,
  yan,
  zoe,
} from './support.ts';

t.test('the restore of an older backup brings back neither what was erased nor a revoked token', async (t) => {
  const { backing, run, folder } = await withErasureTools(t);
  const { config, log } = backing;
  const write = openWriter(backing);
  const secret = asField('pond-zoe-q7');
  for (const field of [garden, secret]) {
    await write(jobBy(zoe, field, zoe.phone, [setCell(1, 1, 0.1), putParticle(2, 'zoe-q7')]));
    await write(
      jobBy(yan, field, yan.phone, [setCell(1, 2, 0.2), { ...setCell(2, 1, 0.3), clock: { [zoe.phone]: 1 } }]),
    );
  }
  const fallback = openFallbackQueue(directDatabaseUrl(config), log);
  t.teardown(() => fallback.close());
  await fallback.add([jobBy(zoe, garden, zoe.tablet, [putParticle(9, 'zoe-q7')])]);
  t.match(await run(['backup']), { code: 0 });
  const backup = join(folder, (await readdir(folder)).find((name) => name.startsWith('field-')) ?? '');
  t.not((await searchFiles(backup, traces)).length, 0, 'the backup has it');

  t.match(await run(['erase', '--user', zoe.user, '--yes']), { code: 0 });
  t.match(await run(['erase', '--field', secret, '--yes']), { code: 0 });
  await run(['token', 'revoke', '--user', 'mallory']);
  t.match(await run(['backup', '--to', folder]), { code: 0 });
  const files = (await readdir(folder)).filter((name) => name === recordsFileName);
  t.equal(files.length, 1);

  const { directUrl } = await withDatabase(t);
  const target = restoreTarget(directUrl);
  t.match(await run(['restore', backup, ...target.args], { env: { ...target.env, ERASURE_KEY: '' } }), {
    code: 2,
    stderr: /ERASURE_KEY is missing/,
  });
  const restored = await run(['restore', backup, ...target.args], { env: target.env });
  t.match(restored, { code: 0, stdout: /Applied again: 2 erasures, 1 revocation\n/ }, restored.stderr);
  t.same(await searchDatabase(directUrl, traces), []);
  const db = openDatabase(t, directUrl);
  t.match(await verifyField(db, garden), { differences: [] });
  t.match(await db('revocations'), [{ kind: 'user', subject: 'mallory', is_lifted: false }]);
  t.same(await db('consciousness_states').pluck('field_id'), [garden]);
  const again = await run(['erase', '--recorded', '--yes', '--json'], { env: { DATABASE_URL: directUrl } });
  t.match(JSON.parse(again.stdout), { erasures: 0, revocations: 0 });
});

t.test('a backup after an erasure keeps what the same user has written since', async (t) => {
  const { backing, run, folder } = await withErasureTools(t);
  const write = openWriter(backing);
  await write(jobBy(zoe, garden, zoe.phone, [setCell(1, 1, 0.1)]));
  t.match(await run(['erase', '--user', zoe.user, '--yes']), { code: 0 });
  await write(jobBy(zoe, garden, zoe.phone, [setCell(2, 1, 0.2)]));
  t.match(await run(['backup']), { code: 0 });
  const backup = join(folder, (await readdir(folder)).find((name) => name.startsWith('field-')) ?? '');
  const { directUrl } = await withDatabase(t);
  const target = restoreTarget(directUrl);
  t.match(await run(['restore', backup, ...target.args], { env: target.env }), { code: 0 });
  const db = openDatabase(t, directUrl);
  t.match(await db('vector_clocks'), [{ device_id: zoe.phone, counter: 2 }]);
  t.match(await verifyField(db, garden), { version: 3, differences: [] });
});
