/** The `Prefer` header (RFC 7240), of which only `wait` means something here. */

const maxWaitSeconds = 30;

/** Seconds that the client is willing to wait; undefined without a valid `wait`, which the RFC says to pass over. */
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
