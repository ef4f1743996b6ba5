/**
 * A process that waits until its parent ends for any reason, and then stops the processes that the parent recorded in the given
 * folder, so that not even a `kill -9` leaves servers running.
 */
import { listLiveRecords, stopRecordedProcesses } from './pid-files.ts';

const [, , folder = ''] = process.argv;

async function stopOrphans(): Promise<void> {
  // Read immediately, because a new owner may soon record its own processes.
  const records = listLiveRecords(folder).filter(({ pid }) => pid !== process.pid);
  await stopRecordedProcesses(folder, records);
  process.exit(0);
}

process.on('disconnect', stopOrphans);
if (!process.connected) await stopOrphans();
