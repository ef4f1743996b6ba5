/** A model of `LeaseSession`: the client's side of the session that holds a worker's leases. */
import type { LeaseHolder } from '../../../../db/leases/lease-holders.ts';
import type { LeaseSessionEvents } from '../../../../db/leases/lease-session.ts';
import type { OpenLeaseSession } from '../../../../workers/leases/lease-servers.ts';
import type { SimProcess } from '../../kernel/sim-process.ts';
import type { ScheduledEvent, VirtualTime } from '../../kernel/virtual-time.ts';
import type { Link } from '../link.ts';
import type { LeaseHost } from './lease-server.ts';

const connectTimeoutMs = 3000;
const clientTimeoutMs = 9000;

export interface ModelSessionDeps {
  readonly time: VirtualTime;
  readonly host: LeaseHost;
  readonly link: Link;
  readonly process: SimProcess | undefined;
}

export class ModelLeaseSession implements OpenLeaseSession {
  readonly #deps: ModelSessionDeps;
  readonly #events: LeaseSessionEvents;
  readonly #stopListening: () => void;
  #id = 0;
  #state: 'joining' | 'open' | 'ended' = 'joining';
  #deadline: ScheduledEvent | undefined;
  #lastQuery: Promise<unknown> = Promise.resolve();
  /** Ends the query that is under way. */
  #rejectQuery: (error: Error) => void = () => undefined;
  /** Whether something was lost on the way: nothing arrives any more, in either direction. */
  #isBroken = false;

  constructor(deps: ModelSessionDeps, events: LeaseSessionEvents) {
    this.#deps = deps;
    this.#events = events;
    this.#stopListening = deps.link.onReset(() => this.#reset());
  }

  /** Joins the running workers. @throws if the server cannot be reached */
  async open(): Promise<this> {
    try {
      this.#extend(this.#deps.time.now);
      await this.#connect();
      await this.#query((host, id) => host.join(id));
    } catch (error) {
      this.destroy();
      throw error;
    }
    this.#state = 'open';
    return this;
  }

  get id(): number {
    return this.#id;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  readHolders(): Promise<LeaseHolder[]> {
    return this.#query((host, id) => host.readHolders(id));
  }

  acquire(partitions: readonly number[]): Promise<number[]> {
    return this.#query((host, id) => host.acquire(id, partitions));
  }

  release(partition: number): Promise<void> {
    return this.#query((host, id) => host.release(id, partition));
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    await this.#query((host, id) => host.releaseAll(id)).catch(() => undefined);
    this.destroy();
  }

  destroy(): void {
    this.#end();
    this.dropConnection();
  }

  /**
   * What the operating system does when the process dies: the server notices, unless nothing arrives there. No code of the
   * process runs.
   */
  dropConnection(): void {
    const { time, link, host } = this.#deps;
    this.#stopListening();
    if (link.state === 'silent' || this.#isBroken) return;
    time.scheduleFor(undefined, link.latency(), () => host.disconnect(this.#id));
  }

  async #connect(): Promise<void> {
    const { host, link, time, process } = this.#deps;
    const later = (run: () => void) => {
      if (link.state !== 'ok') this.#isBroken = true;
      if (!this.#isBroken) time.scheduleFor(process, link.latency(), run);
    };
    const peer = {
      onNotification: () => later(() => void (this.isOpen && this.#events.onChange())),
      onEnd: () => later(() => this.#lose(new Error('PostgreSQL ended the session'))),
    };
    await link.request(() => {
      this.#id = host.connect(peer);
    }, connectTimeoutMs);
  }

  /** One after the other, as the driver sends them. */
  #query<Answer>(serve: (host: LeaseHost, id: number) => Answer): Promise<Answer> {
    const answer = this.#lastQuery.then(() => this.#send(serve));
    this.#lastQuery = answer.catch(() => undefined);
    return answer;
  }

  #send<Answer>(serve: (host: LeaseHost, id: number) => Answer): Promise<Answer> {
    const { time, host, link } = this.#deps;
    if (this.#state === 'ended') return Promise.reject(new Error('the session is lost'));
    if (link.state === 'silent') this.#isBroken = true;
    const sentAt = time.now;
    return new Promise((resolve, reject) => {
      this.#rejectQuery = reject;
      if (this.#isBroken) return;
      // Nothing limits how long a query takes but the deadline of the session.
      link
        .request(() => serve(host, this.#id), 2 * clientTimeoutMs)
        .then(
          (answer) => {
            if (this.#state === 'ended') return;
            this.#extend(sentAt);
            resolve(answer);
          },
          (error) => this.#lose(error),
        );
    });
  }

  #extend(sentAt: number): void {
    const { time, process } = this.#deps;
    if (this.#deadline) this.#deadline.isCancelled = true;
    const lose = () => this.#lose(new Error(`no query was answered for ${clientTimeoutMs} ms`));
    this.#deadline = time.scheduleFor(process, sentAt + clientTimeoutMs - time.now, lose);
  }

  /** The link has reset the connection, at both ends. */
  #reset(): void {
    const { time, host, process } = this.#deps;
    host.disconnect(this.#id);
    time.scheduleFor(process, 0, () => this.#lose(new Error('read ECONNRESET')));
  }

  #lose(reason: Error): void {
    const wasOpen = this.isOpen;
    this.destroy();
    if (wasOpen) this.#events.onLost(reason);
  }

  #end(): void {
    this.#state = 'ended';
    if (this.#deadline) this.#deadline.isCancelled = true;
    this.#rejectQuery(new Error('Connection terminated'));
  }
}
