/** A WebSocket subscriber that reports the updates in the deltas of a field. */
import { WebSocket } from 'ws';
import { bearerProtocolPrefix, streamProtocol } from '../../shared/contract/wire.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';
import type { Credentials } from './load-plan.ts';

const timeoutMs = 15_000;

interface Delta {
  readonly type: string;
  readonly updates?: readonly { readonly device: string; readonly counter: number }[];
}

interface WatchFieldOptions {
  readonly url: string;
  readonly field: FieldId;
  readonly credentials: Credentials;
  readonly onUpdate: (device: string, counter: number) => void;
}

/** Resolves once the first message arrives, with a function that closes the stream. @throws CliError `unreachable` */
export async function watchField({ url, field, credentials, onUpdate }: WatchFieldOptions): Promise<() => void> {
  const socket = new WebSocket(
    `${url.replace(/^http/, 'ws')}/api/fields/${field}/stream`,
    [streamProtocol, `${bearerProtocolPrefix}${credentials.token}`],
    { handshakeTimeout: timeoutMs },
  );
  try {
    await new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the socket was closed')));
      socket.on('message', (data) => {
        resolve(undefined);
        const { type, updates = [] } = JSON.parse(String(data)) as Delta;
        if (type === 'delta') for (const { device, counter } of updates) onUpdate(device, counter);
      });
    });
  } catch (cause) {
    socket.terminate();
    throw new CliError('unreachable', `The stream of ${field} cannot be opened: ${reasonOf(cause)}`, { cause });
  }
  return () => socket.terminate();
}
