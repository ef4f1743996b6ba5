/**
 * A process that does nothing until the one that started it is gone, whatever killed it. Then it stops what that one
 * has recorded in the folder given, so that not even a `kill -9` leaves servers running.
 */
import { livingRecords, stopRecorded } from './pid-files.ts';

const [, , folder = ''] = process.argv;

async function takeOver(): Promise<void> {
  // Read at once: a new owner may be about to start processes of its own.
  const records = livingRecords(folder).filter(({ pid }) => pid !== process.pid);
  await stopRecorded(folder, records);
  process.exit(0);
}

process.on('disconnect', takeOver);
if (!process.connected) await takeOver();
