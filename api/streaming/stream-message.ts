/** A message to readers of a stream, encoded once for all of them, whichever way it goes out. */
import type { ServerMessage } from '../../shared/contract/stream.ts';

export class StreamMessage {
  readonly type: ServerMessage['type'];
  /** JSON in UTF-8: what a WebSocket sends. */
  readonly text: Buffer;
  /** The version that a reader has reached with it. */
  readonly version: number | undefined;
  #event: Buffer | undefined;

  constructor(type: ServerMessage['type'], text: Buffer, version?: number) {
    this.type = type;
    this.text = text;
    this.version = version;
  }

  /** As a Server-Sent Event. JSON has no bare line breaks, so that one `data` line holds it all. */
  get event(): Buffer {
    if (!this.#event) {
      const id = this.version === undefined ? '' : `id: ${this.version}\n`;
      const head = Buffer.from(`${id}event: ${this.type}\ndata: `);
      this.#event = Buffer.concat([head, this.text, Buffer.from('\n\n')]);
    }
    return this.#event;
  }
}

export function encodeMessage(message: ServerMessage): StreamMessage {
  return new StreamMessage(message.type, Buffer.from(JSON.stringify(message)));
}
