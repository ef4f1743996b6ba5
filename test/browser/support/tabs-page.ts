/** Runs in the browser: a tab of an app whose tabs share a client, or that has a client of its own, as tests choose. */
import { createFieldClient } from '../../../client/field-client.ts';
import { presenceOf } from '../../../client/presence/presence-of.ts';
import { indexedDbStorage } from '../../../client/storage/indexed-db-storage.ts';
import { localStorage } from '../../../client/storage/local-storage.ts';
import { createTabClient } from '../../../client/tabs/tab-client.ts';
import type { FieldClient } from '../../../client/types.ts';

/** What tests call in the page. */
export interface TabsPage {
  /** Resolves when the client has read the storage. */
  start(field: string, isShared: boolean): Promise<void>;
  /** Makes edits in one turn, without waiting for anything. */
  edit(texts: readonly string[]): void;
  /** Shows a name to others. */
  show(name: string): void;
  close(): Promise<void>;
  read(): TabsPageState;
}

export interface TabsPageState {
  readonly status: FieldClient['status'];
  readonly deviceId: string | undefined;
  readonly pending: number;
  /** The contents of the particles that are shown. */
  readonly texts: readonly string[];
  /** The names that devices show, this one included. */
  readonly names: readonly string[];
  /** When the status became live last, by `Date.now()`. */
  readonly liveAt: number;
  /** When nothing was pending any more. */
  readonly syncedAt: number;
}

const { search } = (globalThis as unknown as { location: { search: string } }).location;
const query = new URLSearchParams(search);
let client: FieldClient | undefined;
let [liveAt, syncedAt] = [0, 0];

const page: TabsPage = {
  async start(field, isShared) {
    const storage = query.get('storage') === 'localStorage' ? localStorage() : indexedDbStorage();
    const options = { url: query.get('api') ?? '', field, storage };
    client = isShared ? createTabClient(options) : createFieldClient(options);
    client.on('status', (status) => {
      if (status === 'live') liveAt = Date.now();
    });
    client.on('update', () => {
      if (client?.pending === 0) syncedAt = Date.now();
    });
    presenceOf(client).on(() => undefined);
    await client.start();
  },
  show(name) {
    if (client) presenceOf(client).set({ name });
  },
  edit(texts) {
    for (const text of texts) client?.putParticle(text, { content: text });
  },
  async close() {
    await client?.close();
  },
  read() {
    const texts = client?.state.memoryParticles.map(({ content }) => content ?? '') ?? [];
    const { status = 'closed', deviceId, pending = 0 } = client ?? {};
    const devices = client ? presenceOf(client).view.devices : [];
    const names = devices.flatMap(({ data }) => (typeof data?.name === 'string' ? data.name : []));
    return { status, deviceId, pending, texts: texts.sort(), names: names.sort(), liveAt, syncedAt };
  },
};
Object.assign(globalThis, { page });
