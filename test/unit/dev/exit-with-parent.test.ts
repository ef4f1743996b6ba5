import { fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { waitUntil } from '../../support/wait-until.ts';
import { withFolder } from '../../support/with-folder.ts';

t.test('a process stops as on SIGTERM when the one that started it is gone', async (t) => {
  const script = join(await withFolder(t), 'child.mjs');
  await writeFile(
    script,
    `process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 60000); process.send('up', () => {});`,
  );
  const loaders = [
    import.meta.resolve('tsx'),
    new URL('../../../dev/processes/exit-with-parent.ts', import.meta.url).href,
  ];
  const child = fork(script, { execArgv: loaders.flatMap((url) => ['--import', url]) });
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('message', resolve));
  child.disconnect();
  t.equal(await waitUntil('the child has ended', () => child.exitCode), 7);
});
