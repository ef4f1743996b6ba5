/** ETags of states (RFC 9110): the version in quotes. */

export function formatEtag(version: number): string {
  return `"v${version}"`;
}

/** Whether `If-None-Match` names the tag. The comparison is weak, as the RFC asks. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((candidate) => {
    const tag = candidate.trim();
    return tag === '*' || tag === etag || tag === `W/${etag}`;
  });
}
