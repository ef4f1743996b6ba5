/** The table of limits: every limit of the settings is in it, and names a file that exists. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { limits } from '../../../dev/docs/limits-page.ts';
import { configSchema } from '../../../shared/config/settings.ts';
import { packageFile } from '../../../shared/process/package-files.ts';

const rows = Object.values(limits).flat();

t.test('every setting of a limit is listed', async (t) => {
  const listed = new Set(rows.map(({ value }) => value));
  const settings = Object.keys(configSchema.shape).filter(
    (name) => /^(LIMIT|MAX)_/.test(name) && name !== 'LIMIT_WINDOW_SECONDS',
  );
  t.ok(settings.length >= 9);
  for (const name of settings) t.ok(listed.has(name as never), name);
});

t.test('every limit names an existing file, and no limit is listed twice', async (t) => {
  for (const { what, where } of rows) t.ok(existsSync(packageFile(where)), `${what}: ${where}`);
  t.equal(new Set(rows.map(({ what }) => what)).size, rows.length);
});
