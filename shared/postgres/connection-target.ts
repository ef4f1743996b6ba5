/** The target of the driver's connections: the single host of a URL, or the primary among several. */
import { Socket } from 'node:net';
import { findPrimary } from './find-primary.ts';
import { parsePostgresUrl } from './parse-url.ts';

/** Options for the driver, for a client as well as for a pool. */
export interface ConnectionTarget {
  readonly connectionString: string;
  /** Creates the socket of a connection. Undefined for the driver's own socket. */
  readonly stream?: () => Socket;
}

/** @param createSocket by default, the driver's own is used if there is one host */
export function connectionTarget(url: string, createSocket?: () => Socket): ConnectionTarget {
  const { hosts, needsWritable } = parsePostgresUrl(url);
  const [connectionString] = hosts;
  const create = createSocket ?? (() => new Socket());
  // The driver passes the first host to the socket, which instead connects to the host that is the primary at that moment.
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
        // The driver destroys the socket when its own timeout expires.
        if (!socket.destroyed) connect(Number(port || 5432), hostname.replace(/^\[|\]$/g, ''));
      },
      (error: Error) => socket.destroy(error),
    );
    return socket;
  };
  socket.connect = connectToFound as typeof socket.connect;
  return socket;
}
