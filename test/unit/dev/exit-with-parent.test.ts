import { fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { installedEntryPoint } from '../../support/processes/modules.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { withFolder } from '../../support/with-folder.ts';

t.test('a process stops as on SIGTERM when the one that started it is gone', async (t) => {
  const script = join(await withFolder(t), 'child.mjs');
  await writeFile(
    script,
    `process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 60000); process.send('up', () => {});`,
  );
  const child = fork(script, { execArgv: ['--import', installedEntryPoint('dev/processes/exit-with-parent').href] });
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('message', resolve));
  child.disconnect();
  t.equal(await waitUntil('the child has ended', () => child.exitCode), 7);
});
