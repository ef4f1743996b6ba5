/** How backups are called: by when they were taken and of which installation. Names sort by time. */

const namePattern = /^field-(\d{8}T\d{9}Z)-([0-9a-f]{8})$/;
const partialPattern = /^\.partial-field-\d{8}T\d{9}Z-([0-9a-f]{8})$/;

export function formatBackupName(takenAt: Date, installation: string): string {
  return `field-${takenAt.toISOString().replace(/[-:.]/g, '')}-${shortenInstallationId(installation)}`;
}

/** Of a backup that is not complete. */
export function formatPartialName(name: string): string {
  return `.partial-${name}`;
}

export function shortenInstallationId(installation: string): string {
  return installation.slice(0, 8);
}

export function isBackupName(name: string): boolean {
  return namePattern.test(name);
}

/** The installation of which a folder of this name is a backup that was cut off. */
export function parsePartialName(name: string): string | undefined {
  return partialPattern.exec(name)?.[1];
}
