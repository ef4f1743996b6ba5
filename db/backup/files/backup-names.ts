/** Backup names. A name consists of the time of the backup and the installation, so that names sort by time. */

const namePattern = /^field-(\d{8}T\d{9}Z)-([0-9a-f]{8})$/;
const partialPattern = /^\.partial-field-\d{8}T\d{9}Z-([0-9a-f]{8})$/;

export function formatBackupName(takenAt: Date, installation: string): string {
  return `field-${takenAt.toISOString().replace(/[-:.]/g, '')}-${shortenInstallationId(installation)}`;
}

/** The name that a backup has while it is written or removed. The leading dot and prefix keep it from being listed. */
export function formatPartialName(name: string): string {
  return `.partial-${name}`;
}

export function shortenInstallationId(installation: string): string {
  return installation.slice(0, 8);
}

export function isBackupName(name: string): boolean {
  return namePattern.test(name);
}

/** @returns the shortened installation id in the name of an incomplete backup, or undefined for any other name */
export function parsePartialName(name: string): string | undefined {
  return partialPattern.exec(name)?.[1];
}
