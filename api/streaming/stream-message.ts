/** A message to subscribers, encoded once for all of them and for both transports. */
import type { ServerMessage } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';

export class StreamMessage {
  readonly type: ServerMessage['type'];
  /** The JSON in UTF-8, as a WebSocket sends it. */
  readonly text: Buffer;
  /** The cursor that a client has after it; undefined for messages that do not change the state. */
  readonly cursor: Cursor | undefined;
  #event: Buffer | undefined;

  constructor(type: ServerMessage['type'], text: Buffer, cursor?: Cursor) {
    this.type = type;
    this.text = text;
    this.cursor = cursor;
  }

  /** The message as a Server-Sent Event. Encoded JSON contains no line breaks, so that one `data` line is enough. */
  get event(): Buffer {
    if (!this.#event) {
      const id = this.cursor === undefined ? '' : `id: ${this.cursor}\n`;
      const head = Buffer.from(`${id}event: ${this.type}\ndata: `);
      this.#event = Buffer.concat([head, this.text, Buffer.from('\n\n')]);
    }
    return this.#event;
  }
}

export function encodeMessage(message: ServerMessage): StreamMessage {
  return new StreamMessage(message.type, Buffer.from(JSON.stringify(message)));
}
