/** The messages of Hocuspocus: the document's name, a type, and its content. */
import { loadHocuspocusPackages, type YDoc } from './hocuspocus-packages.ts';

const documentName = 'bench';
export const mapName = 'entries';

/** Types of messages (`MessageType` in its server). */
export const messageTypes = { sync: 0, auth: 2, syncReply: 4, syncStatus: 8 } as const;
const tokenMessage = 0;
/** Where the type is: after the length of the name, and the name. */
const typeOffset = 1 + documentName.length;

/** The type of a message of which `start` is the beginning as latin1. */
export function readType(start: string): number {
  return start.charCodeAt(typeOffset);
}

function encode(type: number, write: (encoder: ReturnType<typeof createEncoder>) => void): Uint8Array {
  const { encoding } = loadHocuspocusPackages();
  const encoder = createEncoder();
  encoding.writeVarString(encoder, documentName);
  encoding.writeVarUint(encoder, type);
  write(encoder);
  return encoding.toUint8Array(encoder);
}

function createEncoder() {
  return loadHocuspocusPackages().encoding.createEncoder();
}

/** The first message of a client. The server has no hook that looks at the token. */
export function encodeAuth(): Uint8Array {
  const { encoding } = loadHocuspocusPackages();
  return encode(messageTypes.auth, (encoder) => {
    encoding.writeVarUint(encoder, tokenMessage);
    encoding.writeVarString(encoder, 'bench');
  });
}

/** Asks for what the document lacks. */
export function encodeSyncStep1(doc: YDoc): Uint8Array {
  return encode(messageTypes.sync, (encoder) => loadHocuspocusPackages().sync.writeSyncStep1(encoder, doc));
}

export function encodeUpdate(update: Uint8Array): Uint8Array {
  return encode(messageTypes.sync, (encoder) => loadHocuspocusPackages().sync.writeUpdate(encoder, update));
}

/** Applies a message to the document. @returns whether it was the answer to a `SyncStep1`: all that the document lacked */
export function applyMessage(doc: YDoc, data: Uint8Array): boolean {
  const { decoding, sync } = loadHocuspocusPackages();
  const decoder = decoding.createDecoder(data);
  decoding.readVarString(decoder);
  const type = decoding.readVarUint(decoder);
  if (type !== messageTypes.sync && type !== messageTypes.syncReply) return false;
  return sync.readSyncMessage(decoder, createEncoder(), doc, 'server') === 1;
}
