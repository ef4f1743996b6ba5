/**
 * Parses untrusted JSON: it may be torn in the storage, written by a proxy, or from a newer server.
 * @returns undefined when the text is not JSON, or is `null`. The caller checks the shape of the value.
 */
export function parseJson<T>(text: string | null): Partial<T> | undefined {
  try {
    return JSON.parse(text ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}
