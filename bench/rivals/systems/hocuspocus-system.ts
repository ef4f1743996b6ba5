/** Hocuspocus: one Yjs document with a map of entries, and devices that each have a copy of it. */
import { WebSocket } from 'ws';
import { z } from 'zod';
import { encodeBinaryFrame, openRawSocket } from '../../load/raw-websocket.ts';
import { readUsageOfTrees } from '../../measure/process-usage.ts';
import type { BenchStack } from '../../stack/bench-stack.ts';
import { RpcProcess } from '../../stack/rpc-process.ts';
import { AckQueue } from './ack-queue.ts';
import {
  applyMessage,
  encodeAuth,
  encodeSyncStep1,
  encodeUpdate,
  mapName,
  messageTypes,
  readType,
} from './hocuspocus-messages.ts';
import { loadHocuspocusPackages, type YDoc } from './hocuspocus-packages.ts';
import type { HocuspocusProcess } from './hocuspocus-server.ts';
import { createSignal } from './signal.ts';
import {
  type EntryUpdate,
  entryCount,
  entryId,
  entryValue,
  type Join,
  type Session,
  type StoppableSystem,
} from './system.ts';

interface Copy {
  readonly doc: YDoc;
  readonly bytes: number;
  close(): void;
}

interface HocuspocusOptions {
  readonly isStored: boolean;
}

/** The server stores a document 2 s after its last update. */
const storedAfterMs = 2500;
const valueSchema = z.object({ position: z.object({ x: z.number() }) });

/** Starts the server, and fills the document. */
export async function startHocuspocus(stack: BenchStack, { isStored }: HocuspocusOptions): Promise<StoppableSystem> {
  const databaseUrl = isStored ? stack.urls.database : undefined;
  const start = async () => {
    const server = new RpcProcess<HocuspocusProcess>('Hocuspocus', import.meta.resolve('./hocuspocus-server.ts'));
    return { server, url: await server.call('listen', { databaseUrl }) };
  };
  let running = await start();
  const seed = loadHocuspocusPackages().yjs.encodeStateAsUpdate(createDocument());
  // The server forgets a document that nobody has open, so this device stays.
  let kept = await openWriter(running.url, seed);
  await kept.sendEncoded(seed);
  return {
    name: isStored ? 'Hocuspocus, PostgreSQL' : 'Hocuspocus, in memory',
    acknowledged: isStored
      ? 'in memory; stored 2 s after the last update, or every 10 s; kill -9 loses what is newer'
      : 'in memory; kill -9 loses all',
    settleMs: isStored ? storedAfterMs : 0,
    isWatchedBySenders: true,
    async connect(devices, onSeen): Promise<Session> {
      const watcher = await openCopy(running.url, onSeen);
      const state = loadHocuspocusPackages().yjs.encodeStateAsUpdate(watcher.doc);
      const writers = await Promise.all(Array.from({ length: devices }, () => openWriter(running.url, state)));
      return {
        send(device, update) {
          const writer = writers[device];
          if (!writer) throw new RangeError(`there is no device ${device}`);
          return writer.send(update);
        },
        close() {
          watcher.close();
          for (const writer of writers) writer.close();
        },
      };
    },
    readCpuMs() {
      const server = readUsageOfTrees([running.server.pid]).get(running.server.pid)?.cpuMs ?? 0;
      return server + (isStored ? (stack.usage.readCpuMs().get('PostgreSQL') ?? 0) : 0);
    },
    async join(): Promise<Join> {
      const startedAt = performance.now();
      const copy = await openCopy(running.url);
      copy.close();
      return { ms: performance.now() - startedAt, bytes: copy.bytes };
    },
    async crash() {
      process.kill(running.server.pid, 'SIGKILL');
      kept.close();
      if (isStored) await stack.crash();
      running = await start();
      kept = await openWriter(running.url, seed);
    },
    async countPresent(updates) {
      const copy = await openCopy(running.url);
      copy.close();
      const map = copy.doc.getMap(mapName);
      // What was stored before must be there, or the benchmark is wrong about how the server is set up.
      if (isStored && map.size !== entryCount) throw new Error(`only ${map.size} entries were loaded`);
      return updates.filter(({ number, entry }) => readNumber(map.get(entryId(entry))) === number).length;
    },
    async stop() {
      kept.close();
      await running.server.stop();
    },
  };
}

function readNumber(value: unknown): number | undefined {
  return valueSchema.safeParse(value).data?.position.x;
}

/** A document with all entries, written by a device of its own. */
function createDocument(): YDoc {
  const doc = new (loadHocuspocusPackages().yjs.Doc)();
  const map = doc.getMap(mapName);
  doc.transact(() => {
    for (let entry = 0; entry < entryCount; entry++) map.set(entryId(entry), entryValue({ number: 0, entry }));
  });
  return doc;
}

/** Joins the document. Resolves when its state has arrived; then reports the updates that arrive. */
async function openCopy(url: string, onSeen?: (update: number) => void): Promise<Copy> {
  const doc = new (loadHocuspocusPackages().yjs.Doc)();
  const map = doc.getMap(mapName);
  const socket = new WebSocket(url);
  let bytes = 0;
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the socket was closed')));
    socket.on('open', () => {
      socket.send(encodeAuth());
      socket.send(encodeSyncStep1(doc));
    });
    socket.on('message', (data: Buffer) => {
      bytes += data.length;
      if (applyMessage(doc, data)) resolve();
    });
  });
  if (onSeen) {
    map.observe(({ keysChanged }) => {
      for (const key of keysChanged) {
        const number = readNumber(map.get(key));
        if (number !== undefined) onSeen(number);
      }
    });
  }
  return { doc, bytes, close: () => socket.terminate() };
}

/**
 * A device that writes. It does not apply what others write, as they write other entries, so that the load generator is not what
 * is measured.
 */
async function openWriter(url: string, state: Uint8Array) {
  const { yjs } = loadHocuspocusPackages();
  const acks = new AckQueue();
  const synced = createSignal();
  const socket = await openRawSocket(url, '', {
    onMessage: (_to, start) => {
      const type = readType(start);
      if (type === messageTypes.syncStatus) acks.acknowledge();
      else if (type === messageTypes.sync || type === messageTypes.syncReply) synced.raise();
    },
    onClose: () => acks.rejectAll(new Error('the socket was closed')),
  });
  const doc = new yjs.Doc();
  yjs.applyUpdate(doc, state);
  const map = doc.getMap(mapName);
  let encoded: Uint8Array = new Uint8Array();
  doc.on('update', (update) => {
    encoded = update;
  });
  socket.write(encodeBinaryFrame(encodeAuth()));
  socket.write(encodeBinaryFrame(encodeSyncStep1(doc)));
  await synced.raised;
  const sendEncoded = (update: Uint8Array) => {
    const acknowledged = acks.wait();
    socket.write(encodeBinaryFrame(encodeUpdate(update)));
    return acknowledged;
  };
  return {
    send(update: EntryUpdate): Promise<void> {
      map.set(entryId(update.entry), entryValue(update));
      return sendEncoded(encoded);
    },
    sendEncoded,
    close: () => socket.destroy(),
  };
}
