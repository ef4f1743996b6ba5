/** Reads the snapshot that a new WebSocket subscriber receives. @throws if none arrives within 10 s */
import { on } from 'node:events';
import { WebSocket } from 'ws';
import type { ServerMessage, State } from '../../../shared/contract/messages.ts';
import { streamProtocol } from '../../../shared/contract/wire.ts';

const timeoutMs = 10_000;

export async function readSnapshotMessage(address: string, field: string, token: string): Promise<State> {
  const url = `${address.replace('http', 'ws')}/api/fields/${field}/stream`;
  const socket = new WebSocket(url, [streamProtocol, `bearer.${token}`]);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    // Messages may arrive together, so that none may be missed while another one is read.
    for await (const [data] of on(socket, 'message', { signal })) {
      const message = JSON.parse(String(data)) as ServerMessage;
      if (message.type === 'snapshot') return message.state;
    }
    throw new Error('the socket was closed');
  } finally {
    socket.terminate();
  }
}
