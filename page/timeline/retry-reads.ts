/** Reads again what could not be read for a reason that may pass, such as a server that is busy. */

/** Reads a resource of the field. */
export type Read = <Answer>(path: string) => Promise<Answer>;

const pausesMs = [300, 1500];

/** @returns a function that tries up to three times, and then throws what the last attempt threw */
export function retryReads(read: Read, pauses: readonly number[] = pausesMs): Read {
  return async <Answer>(path: string) => {
    for (const pauseMs of pauses) {
      try {
        return await read<Answer>(path);
      } catch (error) {
        if (!mayPass(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
    return read<Answer>(path);
  };
}

/** Whether no response came, or the server asked to try again later. */
function mayPass(error: unknown): boolean {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : Number.NaN;
  return status === 0 || status === 429 || status >= 500;
}
