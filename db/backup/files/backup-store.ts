/** The folder that contains the backups: lists them, decides which have expired, and removes them. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BackupError } from './backup-error.ts';
import { formatPartialName, isBackupName, parsePartialName, shortenInstallationId } from './backup-names.ts';
import { type Manifest, readManifest } from './manifest.ts';

/** Written beside the manifest by every verification. */
const verificationFileName = 'verified.json';

const verificationResultSchema = z.strictObject({
  at: z.iso.datetime(),
  fields: z.int(),
  updates: z.int(),
  /** One sentence for each difference. Empty when the verification succeeded. */
  differences: z.array(z.string()),
});

export type VerificationResult = z.infer<typeof verificationResultSchema>;

export interface StoredBackup {
  readonly name: string;
  readonly path: string;
  /** Undefined when it cannot be read; `problem` then says why. */
  readonly manifest?: Manifest;
  readonly verdict?: VerificationResult;
  readonly problem?: string;
}

/** Lists complete backups, the newest first. */
export async function listBackups(folder: string): Promise<StoredBackup[]> {
  const names = (await readNames(folder)).filter(isBackupName).sort().reverse();
  const backups: StoredBackup[] = [];
  for (const name of names) backups.push(await readBackup(join(folder, name), name));
  return backups;
}

async function readNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function readBackup(path: string, name: string): Promise<StoredBackup> {
  try {
    return { name, path, manifest: await readManifest(path), verdict: await readVerificationResult(path) };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return { name, path, problem: error.message };
  }
}

async function readVerificationResult(path: string): Promise<VerificationResult | undefined> {
  try {
    return verificationResultSchema.parse(JSON.parse(await readFile(join(path, verificationFileName), 'utf8')));
  } catch {
    // A missing result and an unreadable one are treated alike: the backup counts as not verified.
    return undefined;
  }
}

export async function writeVerificationResult(path: string, result: VerificationResult): Promise<void> {
  const file = join(path, verificationFileName);
  await writeFile(`${file}.new`, `${JSON.stringify(result, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

export function isVerified({ verdict }: StoredBackup): boolean {
  return verdict?.differences.length === 0;
}

export interface RetentionOptions {
  readonly installation: string;
  readonly keepCount: number;
  readonly keepMs: number;
  readonly now: number;
}

/**
 * Finds the backups that exceed the number to keep or the maximum age. The newest backup and the newest verified one
 * never expire. Neither do those of another installation, such as the one that this database was restored from.
 * @param backups the newest first
 */
export function findExpiredBackups(backups: readonly StoredBackup[], options: RetentionOptions): StoredBackup[] {
  const { installation, keepCount, keepMs, now } = options;
  const ownBackups = backups.filter(({ manifest }) => manifest?.installation === installation);
  const newestVerified = ownBackups.find(isVerified);
  return ownBackups.filter((backup, index) => {
    if (index === 0 || backup === newestVerified) return false;
    return index >= keepCount || Date.parse(backup.manifest?.takenAt ?? '') < now - keepMs;
  });
}

/** Renames the folder before deleting it, so that a partly deleted backup is never listed. */
export async function removeBackup(folder: string, { name, path }: StoredBackup): Promise<void> {
  const trashPath = join(folder, formatPartialName(name));
  await rename(path, trashPath);
  await rm(trashPath, { recursive: true, force: true });
}

/** Removes this installation's incomplete backups. The caller must hold the lock, so that none is in progress. */
export async function removePartials(folder: string, installation: string): Promise<string[]> {
  const ownId = shortenInstallationId(installation);
  const partials = (await readNames(folder)).filter((name) => parsePartialName(name) === ownId);
  for (const name of partials) await rm(join(folder, name), { recursive: true, force: true });
  return partials;
}
