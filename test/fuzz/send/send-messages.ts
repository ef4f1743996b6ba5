/** Sends messages over a WebSocket and collects the responses. */
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../../shared/contract/messages.ts';
import { serverMessageSchema } from '../../../shared/contract/stream.ts';
import { streamProtocol } from '../../../shared/contract/wire.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { Attacker, MessagesAttempt } from '../attempt.ts';

/** The response to a message: an error with a status, or the end of the socket with a close code. */
export interface MessageResponse {
  readonly status?: number;
  readonly closed?: number;
  /** Describes a response that is neither. */
  readonly defect?: string;
}

export async function sendMessages(
  address: string,
  { token, field }: Attacker,
  { messages, isFlood = false }: MessagesAttempt,
): Promise<readonly MessageResponse[]> {
  const url = `${address.replace('http', 'ws')}/api/fields/${field}/stream`;
  const socket = new WebSocket(url, [streamProtocol, `bearer.${token}`]);
  const responses: MessageResponse[] = [];
  let closed: number | undefined;
  socket.on('error', () => undefined); // `close` follows.
  socket.on('close', (code) => {
    closed = code;
  });
  socket.on('message', (data) => {
    const message = serverMessageSchema.safeParse(JSON.parse(data.toString()));
    if (!message.success) responses.push({ defect: `an invalid server message: ${data.toString().slice(0, 200)}` });
    else responses.push(...toMessageResponse(message.data));
  });
  try {
    await waitUntil('the socket is open', () => socket.readyState === WebSocket.OPEN || closed !== undefined);
    for (const [index, message] of messages.entries()) {
      if (closed !== undefined) break;
      socket.send(message);
      if (!isFlood)
        await waitUntil('the message has a response', () => responses.length > index || closed !== undefined);
    }
    if (isFlood) await waitUntil('the server closes the flooded socket', () => closed !== undefined);
    // A rejected token renewal gets an error before the socket is closed.
    const isOver = closed !== undefined && (isFlood || responses.length < messages.length);
    return isFlood ? [{ closed }] : [...responses, ...(isOver ? [{ closed }] : [])];
  } finally {
    socket.terminate();
  }
}

function toMessageResponse(message: ServerMessage): MessageResponse[] {
  if (message.type === 'error') return [{ status: message.problem.status }];
  if (message.type === 'accepted') return [{ defect: `accepted ${message.counters.join()}` }];
  if (message.type === 'delta') return [{ defect: 'a delta of a field that must not change' }];
  return [];
}
