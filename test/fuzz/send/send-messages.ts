/** Opens a WebSocket as any client would, and says what a kind has made. */
import { WebSocket } from 'ws';
import { type ServerMessage, serverMessageSchema } from '../../../shared/contract/stream.ts';
import { streamProtocol } from '../../../shared/contract/wire.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { Attacker, MessagesAttempt } from '../attempt.ts';

/** How a message was met: by an error with a status, or by the end of the socket with a code. */
export interface MessageResponse {
  readonly status?: number;
  readonly closed?: number;
  /** Something that is neither. */
  readonly defect?: string;
}

export async function sendMessages(
  address: string,
  { token, field }: Attacker,
  { messages, isFlood = false }: MessagesAttempt,
): Promise<readonly MessageResponse[]> {
  const url = `${address.replace('http', 'ws')}/api/fields/${field}/stream`;
  const socket = new WebSocket(url, [streamProtocol, `bearer.${token}`]);
  const met: MessageResponse[] = [];
  let closed: number | undefined;
  socket.on('error', () => undefined); // `close` follows.
  socket.on('close', (code) => {
    closed = code;
  });
  socket.on('message', (data) => {
    const message = serverMessageSchema.safeParse(JSON.parse(data.toString()));
    if (!message.success) met.push({ defect: `a message that is none: ${data.toString().slice(0, 200)}` });
    else met.push(...toMessageResponse(message.data));
  });
  try {
    await waitUntil('the socket is open', () => socket.readyState === WebSocket.OPEN || closed !== undefined);
    for (const [index, message] of messages.entries()) {
      if (closed !== undefined) break;
      socket.send(message);
      if (!isFlood) await waitUntil('the message is met', () => met.length > index || closed !== undefined);
    }
    if (isFlood) await waitUntil('the flood is stopped', () => closed !== undefined);
    // Renewals are told why before the socket ends.
    const isOver = closed !== undefined && (isFlood || met.length < messages.length);
    return isFlood ? [{ closed }] : [...met, ...(isOver ? [{ closed }] : [])];
  } finally {
    socket.terminate();
  }
}

function toMessageResponse(message: ServerMessage): MessageResponse[] {
  if (message.type === 'error') return [{ status: message.problem.status }];
  if (message.type === 'accepted') return [{ defect: `accepted ${message.counters.join()}` }];
  if (message.type === 'delta') return [{ defect: 'a delta of a field that nobody may have changed' }];
  return [];
}
