/** One step of the backup benchmark, run in a process of its own. Prints its duration, peak memory and result as JSON. */
import { BackupError } from '../../db/backup/files/backup-error.ts';
import { restoreBackup } from '../../db/backup/restore-backup.ts';
import { writeBackup } from '../../db/backup/write-backup.ts';
import { connectDatabase } from '../../db/connect.ts';
import { listFields, verifyField } from '../../db/read/verify-field.ts';
import { createLogger } from '../../shared/process/logger.ts';

type Result = Readonly<Record<string, unknown>>;

const steps: Readonly<Record<string, (url: string, folder: string) => Promise<Result>>> = {
  async backup(url, folder) {
    const { path, manifest } = await writeBackup({ url, folder });
    const sum = (key: 'rows' | 'bytes') => manifest.files.reduce((total, file) => total + file[key], 0);
    return { path, rows: sum('rows'), megabytes: Math.round(sum('bytes') / 1e6) };
  },
  async restore(url, folder) {
    try {
      const { files } = await restoreBackup({ folder, url });
      return { rows: files.reduce((total, { rows }) => total + rows, 0) };
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      return { rejected: error.check, message: error.message };
    }
  },
  async verify(url) {
    const log = createLogger({ name: 'bench', level: 'silent' });
    const db = connectDatabase({ url, poolSize: 2, applicationName: 'bench', log, statementTimeoutMs: 600_000 });
    let [updates, snapshots, differences] = [0, 0, 0];
    for (const field of await listFields(db)) {
      const verification = await verifyField(db, field);
      updates += verification.version - verification.replayedFrom;
      snapshots += verification.snapshotsCompared;
      differences += verification.differences.length;
    }
    await db.destroy();
    return { updates, snapshots, differences };
  },
};

const [, , name = '', url = '', folder = ''] = process.argv;
const run = steps[name];
if (!run) throw new Error(`unknown step ${name}`);
const startedAt = performance.now();
const result = await run(url, folder);
const seconds = (performance.now() - startedAt) / 1000;
console.log(JSON.stringify({ seconds, peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024), result }));
