/** A WebSocket subscriber that reports the updates in the deltas of a field. */
import { WebSocket } from 'ws';
import { bearerProtocolPrefix, streamProtocol } from '../../shared/contract/wire.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';

const timeoutMs = 15_000;

interface UpdateRef {
  readonly device: string;
  readonly counter: number;
}

interface Delta {
  readonly type: string;
  readonly updates?: readonly UpdateRef[];
}

export interface WatchFieldOptions {
  readonly url: string;
  readonly field: FieldId;
  readonly token: string;
  /** Called with the updates that a delta names. */
  readonly onUpdates: (updates: readonly UpdateRef[]) => void;
}

/** Resolves once the initial state has arrived, with a function that closes the stream. @throws CliError `unreachable` */
export async function watchField({ url, field, token, onUpdates }: WatchFieldOptions): Promise<() => void> {
  const socket = new WebSocket(
    `${url.replace(/^http/, 'ws')}/api/fields/${field}/stream`,
    [streamProtocol, `${bearerProtocolPrefix}${token}`],
    { handshakeTimeout: timeoutMs },
  );
  try {
    await new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the socket was closed')));
      socket.on('message', (data) => {
        const { type, updates = [] } = JSON.parse(String(data)) as Delta;
        if (type === 'snapshot') resolve(undefined);
        if (type === 'delta') onUpdates(updates);
      });
    });
  } catch (cause) {
    socket.terminate();
    throw new CliError('unreachable', `The stream of ${field} cannot be opened: ${reasonOf(cause)}`, { cause });
  }
  return () => socket.terminate();
}
