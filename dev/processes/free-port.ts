/** Finds a port to listen on. Knows nothing of who will use it; somebody else may still take it in between. */
import { createServer } from 'node:net';

/** `wanted` when it is free on `host`, else any free one. */
export async function findFreePort(wanted = 0, host = '127.0.0.1'): Promise<number> {
  return (await tryPort(wanted, host)) ?? (await tryPort(0, host)) ?? wanted;
}

/** The port that could be bound, or undefined when it is taken or not allowed. */
function tryPort(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(new Error(`HOST=${host} cannot be listened on`, { cause: error }));
    });
    probe.listen({ port, host, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(address !== null && typeof address === 'object' ? address.port : undefined));
    });
  });
}
