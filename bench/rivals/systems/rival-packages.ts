/**
 * Installs and loads the packages of the rivals. They are no dependencies of this project, and are not there when its types are
 * checked, so what is used of them is declared here.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

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

const folder = new URL('../packages/', import.meta.url);
const manifestSchema = z.object({ dependencies: z.record(z.string(), z.string()) });
const installedSchema = z.object({ version: z.string() });

/** Installs the packages unless they are there in the versions that `package.json` names. @returns these versions */
export async function installRivalPackages(
  printLine: (line: string) => void,
): Promise<Readonly<Record<string, string>>> {
  const { dependencies } = manifestSchema.parse(await readJson('package.json'));
  const missing: string[] = [];
  for (const [name, version] of Object.entries(dependencies)) {
    const installed = await readJson(`node_modules/${name}/package.json`).catch(() => ({ version: '' }));
    if (installedSchema.parse(installed).version !== version) missing.push(name);
  }
  if (missing.length > 0) {
    printLine(`installing ${missing.join(', ')} in bench/rivals/packages`);
    await promisify(execFile)('npm', ['ci', '--prefix', fileURLToPath(folder), '--no-audit', '--no-fund']);
  }
  return dependencies;
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(path, folder), 'utf8'));
}

let loaded: Packages | undefined;

/** Loads all of them as CommonJS, since Yjs must not be loaded twice. */
export function loadRivalPackages(): Packages {
  const load = createRequire(new URL('package.json', folder));
  loaded ??= {
    yjs: load('yjs'),
    encoding: load('lib0/encoding'),
    decoding: load('lib0/decoding'),
    sync: load('y-protocols/sync'),
    server: load('@hocuspocus/server'),
    database: load('@hocuspocus/extension-database'),
  };
  return loaded;
}
