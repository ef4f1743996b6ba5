/** The programs in examples/, run as their README says. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';
import { withField } from './with-client.ts';

const pathOf = (name: string) => fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));

t.test('one example draws a circle, and the other prints what changed', async (t) => {
  const { address } = await withField(t);
  // The example stores its edits in the folder for temporary files, where an earlier run may have left some.
  const env = { ...process.env, FIELD_URL: address, TMPDIR: await withFolder(t) };
  const watcher = spawn(process.execPath, ['--import', 'tsx', pathOf('watch-field'), 'circle'], { env });
  t.teardown(() => void watcher.kill('SIGKILL'));
  let printed = '';
  watcher.stdout.on('data', (chunk) => {
    printed += String(chunk);
  });
  await waitUntil('the watcher follows the field', () => printed.includes('status: live'), { timeoutMs: 30_000 });

  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', pathOf('draw-a-circle'), 'circle'],
    { env },
  );
  t.match(stdout, /^24 edits: 24 applied, 0 in conflict/);
  await waitUntil('the watcher has printed the last version', () => printed.includes('version 24:'), {
    timeoutMs: 30_000,
  });

  watcher.kill('SIGINT');
  const [code] = await once(watcher, 'exit');
  t.equal(code, 0, 'Ctrl-C closes the client and ends the program');
});
