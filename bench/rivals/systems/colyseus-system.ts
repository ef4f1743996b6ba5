/** Colyseus: a room whose state the server changes when a device asks for it, and sends to all devices at a fixed rate. */
import { z } from 'zod';
import { encodeBinaryFrame, openRawSocket } from '../../load/raw-websocket.ts';
import { readUsageOfTrees } from '../../measure/process-usage.ts';
import { RpcProcess } from '../../stack/rpc-process.ts';
import { AckQueue } from './ack-queue.ts';
import { type JoinedRoom, loadColyseusPackages } from './colyseus-packages.ts';
import type { ColyseusProcess, PutRequest } from './colyseus-server.ts';
import { createSignal } from './signal.ts';
import { type EntryUpdate, entryId, entryValue, type Session, type StoppableSystem } from './system.ts';

/** The first byte of a message (`Protocol` in its packages). */
const messageTypes = { joinRoom: 10, roomState: 14, request: 21, response: 22 } as const;
const roomName = 'bench';
const seatSchema = z.object({ sessionId: z.string(), roomId: z.string(), processId: z.string() });

/** Starts the server. The first device to join creates the room, with all entries. */
export async function startColyseus(): Promise<StoppableSystem> {
  const start = async () => {
    const server = new RpcProcess<ColyseusProcess>('Colyseus', import.meta.resolve('./colyseus-server.ts'));
    return { server, url: await server.call('listen', null) };
  };
  let running = await start();
  return {
    name: 'Colyseus',
    acknowledged: 'in memory; kill -9 loses all',
    settleMs: 0,
    isWatchedBySenders: true,
    async connect(devices, onSeen): Promise<Session> {
      const watcher = await joinRoom(running.url);
      const callbacks = loadColyseusPackages().schema.Callbacks.get(watcher);
      callbacks.onAdd('entries', (entry) => callbacks.listen(entry, 'x', onSeen));
      const writers = await Promise.all(Array.from({ length: devices }, () => openWriter(running.url)));
      return {
        send(device, update) {
          const writer = writers[device];
          if (!writer) throw new RangeError(`there is no device ${device}`);
          return writer.send(update);
        },
        close() {
          void watcher.leave(true).catch(() => undefined); // After a kill, it has no connection.
          for (const writer of writers) writer.close();
        },
      };
    },
    readCpuMs: () => readUsageOfTrees([running.server.pid]).get(running.server.pid)?.cpuMs ?? 0,
    async join() {
      const startedAt = performance.now();
      const room = await joinRoom(running.url);
      const ms = performance.now() - startedAt;
      void room.leave(true);
      const { bytes, close } = await openWriter(running.url);
      close();
      return { ms, bytes };
    },
    async crash() {
      process.kill(running.server.pid, 'SIGKILL');
      running = await start();
    },
    async countPresent(updates) {
      const room = await joinRoom(running.url);
      const isPresent = ({ number, entry }: EntryUpdate) => room.state.entries.get(entryId(entry))?.x === number;
      const present = updates.filter(isPresent).length;
      await room.leave(true);
      return present;
    },
    stop: () => running.server.stop(),
  };
}

/** Resolves when the state has arrived. */
async function joinRoom(url: string): Promise<JoinedRoom> {
  const room = await new (loadColyseusPackages().sdk.Client)(url).joinOrCreate(roomName);
  room.reconnection.enabled = false; // The server may be killed.
  await new Promise((resolve) => room.onStateChange.once(resolve));
  return room;
}

/** A device that writes, and does not decode what it receives, so that the load generator is not what is measured. */
async function openWriter(url: string) {
  const response = await fetch(`${url}/matchmake/joinOrCreate/${roomName}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const { sessionId, roomId, processId } = seatSchema.parse(await response.json());
  const acks = new AckQueue();
  const [room, state] = [createSignal(), createSignal()];
  const socket = await openRawSocket(`${url}/${processId}/${roomId}?sessionId=${sessionId}`, '', {
    onMessage: (_to, start) => {
      const type = start.charCodeAt(0);
      if (type === messageTypes.response) acks.acknowledge();
      else if (type === messageTypes.joinRoom) room.raise();
      else if (type === messageTypes.roomState) state.raise();
    },
    onClose: () => acks.rejectAll(new Error('the socket was closed')),
  });
  await room.raised;
  socket.write(encodeBinaryFrame(Uint8Array.of(messageTypes.joinRoom)));
  await state.raised;
  let lastRequest = 0;
  return {
    bytes: socket.bytesRead,
    send(update: EntryUpdate): Promise<void> {
      const acknowledged = acks.wait();
      lastRequest += 1;
      socket.write(encodeBinaryFrame(encodePut(lastRequest, update)));
      return acknowledged;
    },
    close: () => socket.destroy(),
  };
}

function encodePut(request: number, update: EntryUpdate): Uint8Array {
  const { schema, msgpack } = loadColyseusPackages();
  const { position, resonance } = entryValue(update);
  const head = Buffer.alloc(32);
  const at = { offset: 1 };
  head[0] = messageTypes.request;
  schema.encode.number(head, request, at);
  schema.encode.string(head, 'put', at);
  const put: PutRequest = { id: entryId(update.entry), ...position, resonance };
  return Buffer.concat([head.subarray(0, at.offset), msgpack.pack(put)]);
}
