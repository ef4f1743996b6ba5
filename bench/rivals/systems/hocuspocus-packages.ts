/** What is used of the packages of Hocuspocus. They are not there when the types of this project are checked, so it is declared here. */
import { requireRivalPackage } from './rival-packages.ts';

interface YMap {
  readonly size: number;
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  observe(listener: (event: { readonly keysChanged: ReadonlySet<string> }) => void): void;
}

export interface YDoc {
  getMap(name: string): YMap;
  on(event: 'update', listener: (update: Uint8Array, origin: unknown) => void): void;
  transact(change: () => void): void;
  destroy(): void;
}

interface Yjs {
  readonly Doc: new () => YDoc;
  applyUpdate(doc: YDoc, update: Uint8Array, origin?: unknown): void;
  encodeStateAsUpdate(doc: YDoc): Uint8Array;
}

/** Encoders and decoders of lib0 are opaque here. */
type Encoder = { readonly encoder: unique symbol };
type Decoder = { readonly decoder: unique symbol };

interface Encoding {
  createEncoder(): Encoder;
  writeVarString(encoder: Encoder, text: string): void;
  writeVarUint(encoder: Encoder, value: number): void;
  toUint8Array(encoder: Encoder): Uint8Array;
}

interface Decoding {
  createDecoder(data: Uint8Array): Decoder;
  readVarString(decoder: Decoder): string;
  readVarUint(decoder: Decoder): number;
}

interface SyncProtocol {
  writeSyncStep1(encoder: Encoder, doc: YDoc): void;
  writeUpdate(encoder: Encoder, update: Uint8Array): void;
  /** Applies the message to the document and writes the answer, if there is one. @returns 1 for a whole state */
  readSyncMessage(decoder: Decoder, encoder: Encoder, doc: YDoc, origin: unknown): number;
}

interface HocuspocusServer {
  readonly address: { readonly port: number };
  listen(): Promise<unknown>;
}

interface HocuspocusOptions {
  readonly port: number;
  readonly address: string;
  readonly quiet: boolean;
  readonly stopOnSignals: boolean;
  readonly timeout: number;
  readonly extensions: readonly object[];
}

interface DatabaseOptions {
  fetch(data: { readonly documentName: string }): Promise<Uint8Array | null>;
  store(data: { readonly documentName: string; readonly state: Uint8Array }): Promise<void>;
}

interface Packages {
  readonly yjs: Yjs;
  readonly encoding: Encoding;
  readonly decoding: Decoding;
  readonly sync: SyncProtocol;
  readonly server: { readonly Server: new (options: HocuspocusOptions) => HocuspocusServer };
  readonly database: { readonly Database: new (options: DatabaseOptions) => object };
}

let loaded: Packages | undefined;

export function loadHocuspocusPackages(): Packages {
  loaded ??= {
    yjs: requireRivalPackage('yjs'),
    encoding: requireRivalPackage('lib0/encoding'),
    decoding: requireRivalPackage('lib0/decoding'),
    sync: requireRivalPackage('y-protocols/sync'),
    server: requireRivalPackage('@hocuspocus/server'),
    database: requireRivalPackage('@hocuspocus/extension-database'),
  };
  return loaded;
}
