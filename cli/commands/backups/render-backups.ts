/** Stored backups as JSON and as a table. */
import { isVerified, type StoredBackup } from '../../../db/backup/files/backup-store.ts';
import type { WrittenBackup } from '../../../db/backup/write-backup.ts';
import { renderTable } from '../../output/render-table.ts';
import { formatBytes, formatCount } from '../../text/format-numbers.ts';

const head = ['backup', 'taken', 'fields', 'rows', 'size', 'verified'];

export function renderBackups(backups: readonly StoredBackup[]): string {
  return renderTable([head, ...backups.map(toRow)]);
}

export function computeTotals({ files }: WrittenBackup['manifest']): { rows: number; bytes: number } {
  const sum = (key: 'rows' | 'bytes') => files.reduce((total, file) => total + file[key], 0);
  return { rows: sum('rows'), bytes: sum('bytes') };
}

export function describeBackup(backup: StoredBackup) {
  const { name, path, manifest, verdict, problem } = backup;
  if (!manifest) return { name, path, problem };
  const { takenAt, installation, fields } = manifest;
  const totals = computeTotals(manifest);
  return {
    name,
    path,
    takenAt,
    installation,
    fields: fields.length,
    ...totals,
    verdict,
    isVerified: isVerified(backup),
  };
}

function toRow(backup: StoredBackup): string[] {
  const { name, manifest, problem } = backup;
  if (!manifest) return [name, `unusable: ${problem}`];
  const { rows, bytes } = computeTotals(manifest);
  const { takenAt, fields } = manifest;
  return [name, takenAt, String(fields.length), formatCount(rows), formatBytes(bytes), describeVerification(backup)];
}

function describeVerification(backup: StoredBackup): string {
  const { verdict } = backup;
  if (!verdict) return 'not yet';
  return isVerified(backup) ? verdict.at : `FAILED ${verdict.at}: ${verdict.differences[0]}`;
}
