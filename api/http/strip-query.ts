/** Removes the query from a URL for the log, since it may contain secrets. */
export function stripQuery(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
