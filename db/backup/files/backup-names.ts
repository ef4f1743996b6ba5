/** How backups are called: by when they were taken and of which installation. Names sort by time. */

const namePattern = /^field-(\d{8}T\d{9}Z)-([0-9a-f]{8})$/;
const partialPattern = /^\.partial-field-\d{8}T\d{9}Z-([0-9a-f]{8})$/;

export function backupName(takenAt: Date, installation: string): string {
  return `field-${takenAt.toISOString().replace(/[-:.]/g, '')}-${shortInstallation(installation)}`;
}

/** Of a backup that is not complete. */
export function partialName(name: string): string {
  return `.partial-${name}`;
}

export function shortInstallation(installation: string): string {
  return installation.slice(0, 8);
}

export function isBackupName(name: string): boolean {
  return namePattern.test(name);
}

/** The installation of which a folder of this name is a backup that was cut off. */
export function installationOfPartial(name: string): string | undefined {
  return partialPattern.exec(name)?.[1];
}
