/** Acquires the lock of a data folder, prints `owner` or `refused`, and waits to be killed. */
import { acquireDataDirLock } from '../../../dev/data-dir-lock.ts';

const [, , folder = ''] = process.argv;
try {
  await acquireDataDirLock(folder, [], () => {});
  console.log('owner');
} catch {
  console.log('refused');
}
setInterval(() => {}, 60_000);
