/** The folder that backups lie in: which there are, and which may go. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BackupError } from './backup-error.ts';
import { installationOfPartial, isBackupName, shortInstallation } from './backup-names.ts';
import { type Manifest, readManifest } from './manifest.ts';

/** Lies beside the manifest, once the backup has been restored elsewhere and compared. */
const verdictName = 'verified.json';

const verdictSchema = z.strictObject({
  at: z.iso.datetime(),
  fields: z.int(),
  updates: z.int(),
  /** One sentence each; none when all is as it was. */
  differences: z.array(z.string()),
});

export type Verdict = z.infer<typeof verdictSchema>;

export interface StoredBackup {
  readonly name: string;
  readonly path: string;
  /** Undefined when it cannot be read. */
  readonly manifest?: Manifest;
  readonly verdict?: Verdict;
  readonly problem?: string;
}

/** The newest first. What is not complete is not among them. */
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
    return { name, path, manifest: await readManifest(path), verdict: await readVerdict(path) };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return { name, path, problem: error.message };
  }
}

async function readVerdict(path: string): Promise<Verdict | undefined> {
  try {
    return verdictSchema.parse(JSON.parse(await readFile(join(path, verdictName), 'utf8')));
  } catch {
    // None yet, or one that says nothing: it is verified again.
    return undefined;
  }
}

export async function writeVerdict(path: string, verdict: Verdict): Promise<void> {
  const file = join(path, verdictName);
  await writeFile(`${file}.new`, `${JSON.stringify(verdict, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

export function isVerified({ verdict }: StoredBackup): boolean {
  return verdict?.differences.length === 0;
}

export interface Retention {
  readonly installation: string;
  readonly keepCount: number;
  readonly keepMs: number;
  readonly now: number;
}

/**
 * Which backups are one too many or too old. Only this installation's own: those of the one that it was restored from
 * stay until somebody takes them away. The newest stays whatever its age, and so does the newest that was verified.
 * @param backups the newest first
 */
export function findExpired(backups: readonly StoredBackup[], retention: Retention): StoredBackup[] {
  const { installation, keepCount, keepMs, now } = retention;
  const own = backups.filter(({ manifest }) => manifest?.installation === installation);
  const newestVerified = own.find(isVerified);
  return own.filter((backup, index) => {
    if (index === 0 || backup === newestVerified) return false;
    return index >= keepCount || Date.parse(backup.manifest?.takenAt ?? '') < now - keepMs;
  });
}

/** Takes its name away first, so that a backup which is half gone is not taken for one. */
export async function removeBackup(folder: string, { name, path }: StoredBackup): Promise<void> {
  const doomed = join(folder, `.partial-${name}`);
  await rename(path, doomed);
  await rm(doomed, { recursive: true, force: true });
}

/** Removes what a crash has left of this installation's backups. Only for who holds the lock: nobody writes one now. */
export async function removePartials(folder: string, installation: string): Promise<string[]> {
  const mine = shortInstallation(installation);
  const partials = (await readNames(folder)).filter((name) => installationOfPartial(name) === mine);
  for (const name of partials) await rm(join(folder, name), { recursive: true, force: true });
  return partials;
}
