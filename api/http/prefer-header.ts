/** Parses the `Prefer` header (RFC 7240), of which `wait` and `priority=low` are supported. */

export const maxWaitSeconds = 30;

type PreferHeader = string | string[] | undefined;

/** @returns seconds, at most 30; undefined without a valid `wait`: the RFC requires invalid preferences to be ignored */
export function parseWait(header: PreferHeader): number | undefined {
  const match = findPreference(header, /^\s*wait\s*=\s*"?(\d{1,9})"?\s*$/i);
  return match && Math.min(maxWaitSeconds, Number(match[1]));
}

/** Whether the updates may wait until no others are waiting. Priority can only be lowered, so there is no other value. */
export function prefersLowPriority(header: PreferHeader): boolean {
  return findPreference(header, /^\s*priority\s*=\s*"?low"?\s*$/i) !== undefined;
}

function findPreference(header: PreferHeader, pattern: RegExp): RegExpExecArray | undefined {
  if (header === undefined) return undefined;
  for (const preference of [header].flat().join(',').split(',')) {
    const match = pattern.exec(preference.split(';')[0] ?? '');
    if (match) return match;
  }
  return undefined;
}
