/** Canonical JSON (RFC 8785): one text for one value, regardless of the order of its keys. Hashes are computed from it. */

/** @param value JSON: no functions, and no numbers that are not finite; properties that are undefined are left out */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members: string[] = [];
  // By UTF-16 code units, as the RFC requires and as sort() compares.
  for (const key of Object.keys(value).sort()) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}
