/** Parses the `Prefer` header (RFC 7240), of which only `wait` is supported. */

export const maxWaitSeconds = 30;

/** @returns seconds, at most 30; undefined without a valid `wait`: the RFC requires invalid preferences to be ignored */
export function parseWait(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const preferences = [header].flat().join(',').split(',');
  for (const preference of preferences) {
    const [token = ''] = preference.split(';');
    const match = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*$/i.exec(token);
    if (match) return Math.min(maxWaitSeconds, Number(match[1]));
  }
  return undefined;
}
