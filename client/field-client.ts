/** The public API of the client: `createFieldClient` and the object that it returns. */
import type { ClientMessage } from '../shared/contract/messages.ts';
import { isFieldId } from '../shared/field/ids.ts';
import type { Region } from '../shared/field/math/region.ts';
import type { CellValue, EventType } from '../shared/field/update.ts';
import { onPageResume } from './connection/page-lifecycle.ts';
import { Emitter } from './emitter.ts';
import type { FieldClientOptions } from './options.ts';
import type { ClientServices } from './services.ts';
import { isSameRegion } from './state/region.ts';
import { Synchronizer, synchronizers } from './synchronizer.ts';
import type { ClientEvents, FieldClient, OutboxEntry, ParticleInput } from './types.ts';
import { buildCellsSet, buildEvent, buildParticlePut, buildParticleRemove } from './updates/build-update.ts';

export type * from './options.ts';
export type * from './types.ts';

/**
 * Creates a client for one field. @throws TypeError for a `url` or `field` that can never work
 *
 * It does nothing before `start()`, and nothing after `close()` has resolved.
 *
 * ```ts
 * const client = createFieldClient({ url: 'https://field.example.org', field: 'global', storage: localStorage() });
 * client.on('state', (state) => render(state));
 * await client.start();
 * client.setCells([{ x: 3, y: 4, value: 0.5 }]);
 * ```
 */
export function createFieldClient(options: FieldClientOptions): FieldClient {
  const { url, field } = options;
  if (!/^https?:\/\/./.test(url)) throw new TypeError(`Not a url: ${url}`);
  if (!isFieldId(field)) throw new TypeError(`Not an id of a field: ${field}`);
  return new Client(options);
}

class Client implements FieldClient {
  readonly #options: FieldClientOptions;
  readonly #events = new Emitter<ClientEvents>();
  readonly #synchronizer: Synchronizer;
  readonly #services: ClientServices;
  #lastTransition: Promise<void> = Promise.resolve();
  #isLoaded = false;
  #removeResumeListener: () => void = () => undefined;

  constructor(options: FieldClientOptions) {
    this.#options = options;
    this.#synchronizer = new Synchronizer(options, this.#events);
    this.#services = this.#synchronizer.services;
    synchronizers.set(this, this.#synchronizer);
  }

  get state() {
    return this.#synchronizer.view;
  }

  get status() {
    return this.#synchronizer.status;
  }

  get transport() {
    return this.#services.connection.transport;
  }

  get deviceId() {
    return this.#services.tokenProvider.device;
  }

  get outbox() {
    return this.#services.outbox.entries;
  }

  get problem() {
    return this.#synchronizer.problem;
  }

  get isLoaded() {
    return this.#isLoaded;
  }

  get pending() {
    return this.#services.outbox.pending;
  }

  get conflicts() {
    return this.#synchronizer.conflicts.all;
  }

  start(): Promise<void> {
    return this.#runExclusive(async () => {
      if (this.status !== 'closed') return;
      const { tokenProvider, connection, sender, persistence } = this.#services;
      persistence.claim();
      try {
        await this.#load();
      } catch (error) {
        persistence.release();
        throw error;
      }
      tokenProvider.forgetAppToken();
      connection.start();
      sender.start();
      this.#removeResumeListener = (this.#options.wakeOn ?? onPageResume)(() => this.wake());
    });
  }

  close(): Promise<void> {
    return this.#runExclusive(async () => {
      if (this.status === 'closed') return;
      const { connection, sender, persistence, replica, store } = this.#services;
      this.#removeResumeListener();
      await Promise.all([connection.stop(), sender.stop()]);
      store.retry();
      await store.flush();
      if (!this.#services.historyCheck.isOpen) await persistence.state.save(replica.server);
      persistence.release();
      this.#synchronizer.setStatus('closed');
    });
  }

  wake(): void {
    if (this.status === 'closed') return;
    this.#services.connection.checkNow();
    this.#services.sender.retryNow();
  }

  renewToken(): void {
    if (this.status === 'closed') return;
    this.#services.tokenProvider.forgetAppToken();
    this.#services.connection.reconnect();
    this.#services.sender.retryNow();
  }

  putParticle(id: string, attributes: ParticleInput) {
    return this.#synchronizer.addUpdate(buildParticlePut(id, attributes, this.#findParticle(id)));
  }

  removeParticle(id: string) {
    return this.#synchronizer.addUpdate(buildParticleRemove(id));
  }

  setCells(cells: readonly CellValue[]) {
    return this.#synchronizer.addUpdate(buildCellsSet(cells));
  }

  emit(type: EventType, intensity?: number) {
    return this.#synchronizer.addUpdate(buildEvent(type, intensity));
  }

  setRegion(region: Region | null) {
    this.#synchronizer.setRegion(region);
  }

  settled(entry: OutboxEntry) {
    return this.#synchronizer.settlements.waitFor(entry);
  }

  discard(entry: OutboxEntry) {
    this.#services.outbox.discard(entry.key);
    this.#synchronizer.emitState();
  }

  async read<Answer>(path: string): Promise<Answer> {
    return (await this.#services.sendRequest(path, { token: await this.getToken() })).body as Answer;
  }

  getToken() {
    return this.#services.tokenProvider.getToken();
  }

  sendMessage(message: ClientMessage) {
    return this.#services.connection.send(message) > 0;
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void) {
    return this.#events.on(name, listener);
  }

  #findParticle(id: string) {
    return this.state.memoryParticles.find((particle) => particle.id === id);
  }

  /** Performs starts and closes one after the other, in the order of the calls. */
  #runExclusive(step: () => Promise<void>): Promise<void> {
    this.#lastTransition = this.#lastTransition.catch(() => undefined).then(step);
    return this.#lastTransition;
  }

  async #load(): Promise<void> {
    if (this.#isLoaded) return;
    const { tokenProvider, outbox, persistence, replica } = this.#services;
    await tokenProvider.load();
    const stored = await persistence.state.load();
    if (stored && replica.version === 0) {
      // A stored region must not be taken for the whole field, or for another region.
      const isOfAnother = stored.region && !isSameRegion(stored.region, replica.region);
      replica.restore(isOfAnother ? { ...stored, memoryParticles: [], cells: {} } : stored);
    }
    await outbox.load(replica.version);
    this.#isLoaded = true;
    this.#synchronizer.emitState();
  }
}
