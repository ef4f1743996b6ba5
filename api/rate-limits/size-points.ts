/** Points for what a client sends, charged before it is parsed, so that a refusal costs the sender what it cost the server. */

const bytesPerPoint = 16 * 1024;

/** In addition to the points of a request and of its updates. An ordinary request is below the first point. */
export function computeSizePoints(bytes: number): number {
  return Math.floor(bytes / bytesPerPoint);
}
