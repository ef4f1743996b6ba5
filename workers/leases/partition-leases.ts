/**
 * Leases partitions for this worker, and consumes those that it has leased. A lease is a lock that PostgreSQL releases when
 * the worker's session ends, so a worker that is dead, stopped or cut off cannot keep one. The session is kept alive only
 * while the worker could commit and read its queue.
 *
 * A lease only decides who reads a partition. It does not protect the fields: compare-and-append does.
 */
import type { Logger } from '../../shared/process/logger.ts';
import { jitter } from '../../shared/process/retry.ts';
import type { PartitionConsumers } from '../consume/partition-consumers.ts';
import { planLeases } from './assign-partitions.ts';
import type { LeaseServers, OpenLeaseSession } from './lease-servers.ts';

const renewIntervalMs = 3000;
const retryDelayMs = 1000;

interface PartitionLeasesDeps {
  readonly servers: LeaseServers;
  readonly log: Logger;
  readonly consumers: PartitionConsumers;
  /** Called when the session was lost, and with it all leases. */
  readonly onLost?: () => void;
}

export class PartitionLeases {
  readonly #deps: PartitionLeasesDeps;
  #session: OpenLeaseSession | undefined;
  /** The partitions that the current session is about to release. */
  #releasing = new Set<number>();
  #workers = { count: 1, since: performance.now() };
  #timer: NodeJS.Timeout | undefined;
  #isRenewing = false;
  /** Whether something has changed since the last renewal began. */
  #isDue = false;
  #isUnavailable = false;
  #isClosed = false;

  constructor(deps: PartitionLeasesDeps) {
    this.#deps = deps;
  }

  /** Resolves after the first attempt. While a server is unavailable, the attempt is repeated about once a second. */
  async start(): Promise<void> {
    await this.#deps.servers.connect();
    await this.#renew();
  }

  /** False before the first attempt and after `close`. */
  get isRunning(): boolean {
    return this.#timer !== undefined && !this.#isClosed;
  }

  /** Whether this worker is one of those that share the partitions. */
  get isMember(): boolean {
    return this.#session?.isOpen ?? false;
  }

  /** Finishes the jobs in flight, then releases the partitions. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#deps.consumers.closeAll();
    await this.#session?.close();
  }

  /** Never runs concurrently, because the timer is only set between two runs. */
  async #renew(): Promise<void> {
    this.#isRenewing = true;
    this.#isDue = false;
    const delayMs = await this.#rebalance().then(
      () => renewIntervalMs,
      (err) => this.#logFailure(err),
    );
    this.#isRenewing = false;
    this.#schedule(this.#isDue ? 0 : delayMs);
  }

  #renewNow(): void {
    this.#isDue = true;
    this.#schedule(0);
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed || this.#isRenewing) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), delayMs);
  }

  /** @throws if a server is unavailable. The session is then not kept alive, and ends if the outage lasts. */
  async #rebalance(): Promise<void> {
    const { servers, log } = this.#deps;
    await Promise.all([this.#reportWorkers(), servers.checkWritable()]);
    const session = this.#session?.isOpen ? this.#session : await this.#open();
    const holders = await session.readHolders();
    if (holders.length !== this.#workers.count) this.#workers = { count: holders.length, since: performance.now() };
    const plan = planLeases({ self: session.id, holders, partitions: await this.#reportWorkers() });
    for (const partition of plan.release) void this.#release(session, partition);
    const acquired = plan.acquire.length > 0 ? await session.acquire(plan.acquire) : [];
    this.#consume(session, [...plan.keep, ...acquired]);
    this.#closeOthers([...plan.keep, ...acquired]);
    if (acquired.length > 0) log.info({ acquired, workers: holders.length }, 'partitions leased');
    if (this.#isUnavailable) log.info('partition leases available again');
    this.#isUnavailable = false;
  }

  /**
   * A session that PostgreSQL has just ended is reopened within a second or two. Until then the reported number is not
   * lowered, so that new jobs keep their partitions. A worker without a session cannot count the workers.
   * @returns the number of partitions
   */
  #reportWorkers(): Promise<number> {
    if (!this.isMember) return this.#deps.servers.reportWorkers(1, false);
    const { count, since } = this.#workers;
    return this.#deps.servers.reportWorkers(count, performance.now() - since >= renewIntervalMs);
  }

  async #open(): Promise<OpenLeaseSession> {
    this.#workers = { count: 1, since: performance.now() };
    this.#releasing = new Set();
    const session = await this.#deps.servers.openSession({
      onLost: (reason) => this.#lose(reason),
      onChange: () => this.#renewNow(),
    });
    if (this.#isClosed) session.destroy();
    else this.#session = session;
    return session;
  }

  /** Opens the consumers that are missing. A partition that is about to be released is leased again first. */
  #consume(session: OpenLeaseSession, partitions: readonly number[]): void {
    const { consumers } = this.#deps;
    if (this.#isClosed) return;
    if (!session.isOpen) throw new Error('the session is lost');
    const isConsumed = (partition: number) => consumers.partitions.includes(partition);
    const missing = partitions.filter((partition) => !isConsumed(partition) && !this.#releasing.has(partition));
    if (missing.length > 0) consumers.open(missing);
  }

  /** Between reading the leases and opening a consumer, a partition may have been released, and leased by another worker. */
  #closeOthers(held: readonly number[]): void {
    const { consumers } = this.#deps;
    for (const partition of consumers.partitions) if (!held.includes(partition)) void consumers.close(partition);
  }

  async #release(session: OpenLeaseSession, partition: number): Promise<void> {
    const releasing = this.#releasing;
    if (releasing.has(partition)) return;
    releasing.add(partition);
    await this.#deps.consumers.close(partition);
    releasing.delete(partition);
    if (session.isOpen) await session.release(partition).catch(() => undefined);
  }

  #lose(reason: Error): void {
    const { consumers, log, onLost } = this.#deps;
    log.warn({ err: reason, partitions: consumers.partitions }, 'partition leases lost');
    consumers.abandonAll();
    onLost?.();
    this.#isUnavailable = true;
    this.#schedule(jitter(retryDelayMs, 0.75));
  }

  #logFailure(err: unknown): number {
    if (!this.#isClosed)
      this.#deps.log[this.#isUnavailable ? 'debug' : 'warn']({ err }, 'leasing partitions failed; retrying');
    this.#isUnavailable = true;
    return jitter(retryDelayMs, 0.75);
  }
}
