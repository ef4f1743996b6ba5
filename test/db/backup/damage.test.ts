import { createHash } from 'node:crypto';
import { appendFile, cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import t from 'tap';
import { restoreBackup } from '../../../db/backup/restore-backup.ts';
import { withPgClient } from '../../support/servers/query-postgres.ts';
import { withDatabase } from '../../support/servers/servers.ts';
import { backUp, dumpRows, forgeManifest, withFilledBacking } from '../../support/with-backup.ts';
import { withFolder } from '../../support/with-folder.ts';

const log = 'field_updates.copy.gz';

/** Changes a file's content and updates its size and checksum in the manifest, so that only loading it can fail. */
async function replaceFile(folder: string, name: string, change: (text: string) => string): Promise<void> {
  const path = join(folder, name);
  const before = await readFile(path);
  const after = gzipSync(change(gunzipSync(before).toString()));
  await writeFile(path, after);
  const [oldHash, newHash] = [before, after].map((bytes) => createHash('sha256').update(bytes).digest('hex'));
  await forgeManifest(folder, (text) =>
    text
      .replace(String(oldHash), String(newHash))
      .replace(new RegExp(`"bytes": ${before.length}(,\\s+"sha256": "${newHash}")`), `"bytes": ${after.length}$1`),
  );
}

const damages: Record<string, { check: string; message: RegExp; damage: (folder: string) => Promise<unknown> }> = {
  'a file is missing': {
    check: 'missing',
    message: /field_updates\.copy\.gz/,
    damage: (folder) => rm(join(folder, log)),
  },
  'a file is truncated': {
    check: 'truncated',
    message: /field_updates\.copy\.gz/,
    damage: async (folder) => truncate(join(folder, log), (await readFile(join(folder, log))).length - 1),
  },
  'a file is longer than recorded': {
    check: 'checksum',
    message: /field_updates\.copy\.gz/,
    damage: (folder) => appendFile(join(folder, log), 'x'),
  },
  'one bit of a file has flipped': {
    check: 'checksum',
    message: /vector_clocks\.copy\.gz/,
    damage: async (folder) => {
      const path = join(folder, 'vector_clocks.copy.gz');
      const bytes = await readFile(path);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      await writeFile(path, bytes);
    },
  },
  'there is no manifest': {
    check: 'manifest',
    message: /manifest\.json/,
    damage: (folder) => rm(join(folder, 'manifest.json')),
  },
  'the manifest is truncated': {
    check: 'manifest',
    message: /manifest\.json/,
    damage: (folder) => truncate(join(folder, 'manifest.json'), 100),
  },
  'the version of a field in the manifest was altered': {
    check: 'manifest',
    message: /altered/,
    damage: async (folder) => {
      const path = join(folder, 'manifest.json');
      await writeFile(path, (await readFile(path, 'utf8')).replace('"version": 33', '"version": 32'));
    },
  },
  'the manifest names a file outside the folder': {
    check: 'manifest',
    message: /files\.0\.name/,
    damage: (folder) => forgeManifest(folder, (text) => text.replace(/"name": "[^"]+/, '"name": "../etc.copy.gz')),
  },
  'the manifest has a newer format': {
    check: 'newer_schema',
    message: /format 2/,
    damage: (folder) => forgeManifest(folder, (text) => text.replace('"format": 1', '"format": 2')),
  },
  'the manifest lists an unknown migration': {
    check: 'newer_schema',
    message: /999-future/,
    damage: (folder) => forgeManifest(folder, (text) => text.replace(/("0\d\d-[a-z0-9-]+")\n/, '$1, "999-future"\n')),
  },
  'a file has fewer rows than the manifest says': {
    check: 'row_count',
    message: /field_updates\.copy\.gz has 33 rows/,
    damage: (folder) => replaceFile(folder, log, (text) => text.slice(text.indexOf('\n') + 1)),
  },
  'a file contains a value that PostgreSQL rejects': {
    check: 'content',
    message: /field_updates\.copy\.gz/,
    damage: (folder) => replaceFile(folder, log, (text) => text.replace('garden\t1\t', 'garden\tone\t')),
  },
  'a file contains every row twice': {
    check: 'content',
    message: /field_updates\.copy\.gz.*duplicate key/,
    damage: (folder) => replaceFile(folder, log, (text) => text + text),
  },
};

t.test('restoring a damaged backup fails, names the file and the check, and leaves the database empty', async (t) => {
  const { path } = await backUp(t, await withFilledBacking(t));
  const copies = await withFolder(t);
  const { directUrl: url } = await withDatabase(t);
  const untouched = await dumpRows(url);
  for (const [name, { check, message, damage }] of Object.entries(damages)) {
    const copy = join(copies, name.replaceAll(' ', '-'));
    await cp(path, copy, { recursive: true });
    await damage(copy);
    await t.rejects(restoreBackup({ folder: copy, url }), { check, message }, name);
    t.same(await dumpRows(url), untouched);
  }
  await restoreBackup({ folder: path, url });
  t.not((await dumpRows(url)).field_updates?.length, 0, 'an intact backup can then be restored into the same database');
});

t.test('restoring into a database that is not empty fails and names the table', async (t) => {
  const { path } = await backUp(t, await withFilledBacking(t));
  const { directUrl: url } = await withDatabase(t);
  await withPgClient(url, (client) => client.query('CREATE TABLE notes (text text)'));
  await withPgClient(url, (client) => client.query(`INSERT INTO notes VALUES ('mine')`));
  await t.rejects(restoreBackup({ folder: path, url }), { check: 'not_empty', message: /public\.notes/ });
  await withPgClient(url, (client) => client.query('DELETE FROM notes'));
  await restoreBackup({ folder: path, url });
  await t.rejects(restoreBackup({ folder: path, url }), { check: 'not_empty', message: /bullmq\.|public\./ });
});
