/**
 * A process that does nothing until the one that started it is gone, whatever killed it. Then it stops what that one
 * has recorded in the folder given, so that not even a `kill -9` leaves servers running.
 */
import { listLiveRecords, stopRecordedProcesses } from './pid-files.ts';

const [, , folder = ''] = process.argv;

async function stopOrphans(): Promise<void> {
  // Read at once: a new owner may be about to start processes of its own.
  const records = listLiveRecords(folder).filter(({ pid }) => pid !== process.pid);
  await stopRecordedProcesses(folder, records);
  process.exit(0);
}

process.on('disconnect', stopOrphans);
if (!process.connected) await stopOrphans();
