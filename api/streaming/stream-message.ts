/** Messages to subscribers, encoded once for all of them and for both transports. */
import { promisify } from 'node:util';
import { deflate, deflateSync, type ZlibOptions } from 'node:zlib';
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

  /** The text deflated, for subscribers that accept it; undefined for messages that are sent as they are. */
  get compressed(): Buffer | undefined {
    return undefined;
  }

  /** Prepares `compressed` for a message of any length. */
  async compress(): Promise<void> {}
}

const deflateInThread = promisify<Buffer, ZlibOptions, Buffer>(deflate);
/** The fastest level: higher ones save another tenth of the bytes for several times the time. */
const deflateOptions: ZlibOptions = { level: 1, memLevel: 5 };
const minCompressedBytes = 1024;
/** What the event loop compresses in a few milliseconds. Longer messages are compressed in a thread, or not at all. */
const maxSyncBytes = 128 * 1024;

/** A message that is the same for many subscribers, so that compressing it once pays. */
export class SharedMessage extends StreamMessage {
  #compressed: Buffer | undefined;
  #compression: Promise<Buffer> | undefined;

  /** Computed at its first use, so that it costs nothing while no subscriber accepts it. */
  override get compressed(): Buffer | undefined {
    const { length } = this.text;
    if (length >= minCompressedBytes && length <= maxSyncBytes)
      this.#compressed ??= deflateSync(this.text, deflateOptions);
    return this.#compressed;
  }

  override async compress(): Promise<void> {
    if (this.text.length < minCompressedBytes) return;
    this.#compression ??= deflateInThread(this.text, deflateOptions);
    this.#compressed = await this.#compression;
  }
}

export function encodeMessage(message: ServerMessage): StreamMessage {
  return new StreamMessage(message.type, Buffer.from(JSON.stringify(message)));
}
