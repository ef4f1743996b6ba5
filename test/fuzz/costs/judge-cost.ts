/** What an attack may cost: the check of the costs, as a pure function. */

export interface Cost {
  /** CPU time of the API process per request or message, in ms. */
  readonly cpuMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** A problem with 20 errors of the largest size and the headers. */
const maxRefusalBytes = 10_000;
/** Of a request of a megabyte, received, scanned and parsed, on a slow machine. */
const maxRefusalMs = 40;
/** Compared with a valid request of a megabyte, which is parsed, validated, queued and answered. */
const maxShareOfValid = 1;

/** @param validMs CPU time of valid requests of the largest size */
export function judgeCost(cost: Cost, isRefused: boolean, validMs: number): string[] {
  if (!isRefused) return [];
  const limitMs = Math.max(maxRefusalMs, maxShareOfValid * validMs);
  return [
    ...(cost.cpuMs > limitMs ? [`takes ${cost.cpuMs.toFixed(0)} ms of CPU, above ${limitMs.toFixed(0)}`] : []),
    ...(cost.bytesOut > maxRefusalBytes ? [`is answered with ${cost.bytesOut} bytes, above ${maxRefusalBytes}`] : []),
  ];
}
