/**
 * Finds a free port, which another process may still take before it is used. `get-port` would replace only the probe
 * below: the fallback and the error that names HOST would remain.
 */
import { createServer } from 'node:net';

/** Returns `wanted` if it is free on `host`, otherwise any free port. @throws Error when `host` cannot be bound */
export async function findFreePort(wanted = 0, host = '127.0.0.1'): Promise<number> {
  return (await tryPort(wanted, host)) ?? (await tryPort(0, host)) ?? wanted;
}

/** The port that could be bound, or undefined when it is in use or not permitted. */
function tryPort(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(new Error(`HOST=${host} is not an address of this machine`, { cause: error }));
    });
    probe.listen({ port, host, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(address !== null && typeof address === 'object' ? address.port : undefined));
    });
  });
}
