/** Where the driver connects to: the one host of a URL, or the primary among several. */
import { Socket } from 'node:net';
import { findPrimary } from './find-primary.ts';
import { parsePostgresUrl } from './parse-url.ts';

/** Options for the driver, for a client as well as for a pool. */
export interface ConnectionTarget {
  readonly connectionString: string;
  /** Creates the socket of a connection. Missing if the driver's own will do. */
  readonly stream?: () => Socket;
}

/** @param createSocket by default, the driver's own is used if there is one host */
export function connectionTarget(url: string, createSocket?: () => Socket): ConnectionTarget {
  const { hosts, needsWritable } = parsePostgresUrl(url);
  const [connectionString] = hosts;
  const create = createSocket ?? (() => new Socket());
  // The driver names the first host when it connects, and the socket goes to the one that is the primary at that moment.
  if (hosts.length > 1 || needsWritable) {
    return { connectionString, stream: () => redirect(create(), () => findPrimary(hosts, needsWritable)) };
  }
  return createSocket ? { connectionString, stream: createSocket } : { connectionString };
}

function redirect(socket: Socket, find: () => Promise<string>): Socket {
  const connect = socket.connect.bind(socket) as (port: number, host: string) => Socket;
  const connectToFound = (): Socket => {
    find().then(
      (url) => {
        const { hostname, port } = new URL(url);
        // The driver destroys the socket when its own time is over.
        if (!socket.destroyed) connect(Number(port || 5432), hostname.replace(/^\[|\]$/g, ''));
      },
      (error: Error) => socket.destroy(error),
    );
    return socket;
  };
  socket.connect = connectToFound as typeof socket.connect;
  return socket;
}
