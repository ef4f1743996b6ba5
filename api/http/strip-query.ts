/** A URL without its query, which may hold what should not be logged. */
export function stripQuery(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
