/** A process with a Colyseus server in its default settings: a room whose state is a map of entries, which it sends every 50 ms. */
import { serveRpc } from '../../stack/rpc-process.ts';
import { type Entry, type EntryMap, loadColyseusPackages } from './colyseus-packages.ts';
import { entryCount, entryId, entryValue } from './system.ts';

/** What a device asks the room to write. */
export interface PutRequest extends Entry {
  readonly id: string;
}

/** More than the whole state, as its documentation asks for. */
const bufferBytes = 256 * 1024;

function defineRoom() {
  const { core, schema } = loadColyseusPackages();
  const { t } = schema;
  schema.Encoder.BUFFER_SIZE = bufferBytes;
  const fields = { x: t.float64(), y: t.float64(), z: t.float64(), resonance: t.float64() };
  const EntryState = schema.schema(fields, 'Entry') as new () => Entry;
  const RoomState = schema.schema({ entries: t.map(EntryState) }, 'State') as new () => { readonly entries: EntryMap };
  return class BenchRoom extends core.Room {
    onCreate(): void {
      const state = new RoomState();
      this.autoDispose = false;
      this.state = state;
      for (let entry = 0; entry < entryCount; entry++) {
        const { position, resonance } = entryValue({ number: 0, entry });
        state.entries.set(entryId(entry), Object.assign(new EntryState(), position, { resonance }));
      }
      this.onMessage<PutRequest>('put', (_client, { id, ...values }) => {
        const entry = state.entries.get(id);
        if (entry) Object.assign(entry, values);
        return entry !== undefined;
      });
    }
  };
}

const handlers = {
  /** @returns the server's address */
  async listen(_: null): Promise<string> {
    const { core, transport } = loadColyseusPackages();
    const server = new core.Server({
      transport: new transport.WebSocketTransport(),
      greet: false,
      gracefullyShutdown: false,
    });
    server.define('bench', defineRoom());
    await server.listen(0, '127.0.0.1');
    return `http://127.0.0.1:${server.transport.server.address().port}`;
  },
};

export type ColyseusProcess = typeof handlers;
serveRpc(handlers);
