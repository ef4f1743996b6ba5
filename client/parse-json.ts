/** JSON from wherever a client gets some: torn in the storage, from a proxy on the way, or of a later server. */

/** Undefined when it is not JSON, or nothing. Its shape is the caller's to check. */
export function parseJson<T>(text: string | null): Partial<T> | undefined {
  try {
    return JSON.parse(text ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}
