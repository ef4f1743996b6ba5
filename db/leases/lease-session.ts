/**
 * The session with PostgreSQL that holds a worker's leases, which are advisory locks. The server fences them: it releases the
 * locks when the session ends, and ends the session when no query arrives for `serverTimeoutMs`. No clock is compared with
 * another one.
 *
 * The session considers itself lost a little earlier, and at once if the connection fails.
 */
import { Socket } from 'node:net';
import pg from 'pg';
import { connectionTarget } from '../../shared/postgres/connection-target.ts';
import { type LeaseHolder, leaseHoldersSql } from './lease-holders.ts';
import { leaseChannel, membershipKey } from './lease-keys.ts';

const serverTimeoutMs = 10_000;
/** Measured from sending the last answered query. Less than `serverTimeoutMs`, which starts later, at the server. */
const clientTimeoutMs = 9000;
const connectTimeoutMs = 3000;
const poolerMessage = 'leases need a session without a pooler: set DATABASE_DIRECT_URL to PostgreSQL itself';

export interface LeaseSessionEvents {
  /** Called once if the session is lost, and not after `close`. */
  readonly onLost: (reason: Error) => void;
  /** Called when another worker has joined, left or released a partition. */
  readonly onChange: () => void;
}

export interface LeaseSessionOptions extends LeaseSessionEvents {
  /** Leads to PostgreSQL without a pooler. */
  readonly url: string;
  readonly leaseClassId: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
}

interface SessionFacts {
  readonly id: number;
  readonly idleTimeout: string;
  readonly isReadOnly: boolean;
}

/** Every method @throws if the session is lost. */
export class LeaseSession {
  readonly #options: LeaseSessionOptions;
  readonly #socket = new Socket();
  readonly #client: pg.Client;
  readonly #channel: string;
  #id = 0;
  /** A session that is lost while it joins is not reported to `onLost`: `open` throws. */
  #state: 'joining' | 'open' | 'ended' = 'joining';
  #deadline: NodeJS.Timeout | undefined;
  #lastQuery: Promise<unknown> = Promise.resolve();

  private constructor(options: LeaseSessionOptions) {
    this.#options = options;
    this.#channel = leaseChannel(options.leaseClassId);
    // The driver would end a connection by a message to the server, which a silent server never confirms.
    const { connectionString, stream } = connectionTarget(options.url, () => this.#socket);
    this.#client = new pg.Client({
      connectionString: withServerTimeouts(connectionString),
      application_name: options.applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      ...(stream ? { stream } : {}),
    });
  }

  /** Joins the running workers. @throws if the session cannot be opened, or not with the properties it needs */
  static async open(options: LeaseSessionOptions): Promise<LeaseSession> {
    const session = new LeaseSession(options);
    try {
      await session.#join();
    } catch (error) {
      session.destroy();
      throw error;
    }
    return session;
  }

  /** The pid of the session in PostgreSQL. */
  get id(): number {
    return this.#id;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** The running workers, this one included. Like every query, it keeps the session alive. */
  readHolders(): Promise<LeaseHolder[]> {
    return this.#query<LeaseHolder>(leaseHoldersSql('$1'), [this.#options.leaseClassId]);
  }

  /** Leases those of the partitions that are free. They must not be leased by this session. */
  async acquire(partitions: readonly number[]): Promise<number[]> {
    const sql = 'SELECT partition FROM unnest($2::int[]) AS partition WHERE pg_try_advisory_lock($1, partition)';
    const rows = await this.#query<{ partition: number }>(sql, [this.#options.leaseClassId, partitions]);
    return rows.map(({ partition }) => partition);
  }

  async release(partition: number): Promise<void> {
    const sql = `SELECT pg_advisory_unlock($1, $2), pg_notify($3, '')`;
    await this.#query(sql, [this.#options.leaseClassId, partition, this.#channel]);
  }

  /** Releases everything, announces that, and ends the session. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    await this.#query(`SELECT pg_advisory_unlock_all(), pg_notify($1, '')`, [this.#channel]).catch(() => undefined);
    this.destroy();
  }

  /** Closes the connection without a closing message. The server notices that at once, or after `serverTimeoutMs`. */
  destroy(): void {
    this.#state = 'ended';
    clearTimeout(this.#deadline);
    this.#socket.destroy();
  }

  async #join(): Promise<void> {
    const { leaseClassId, onChange } = this.#options;
    this.#client.on('error', (error) => this.#lose(error));
    this.#client.on('end', () => this.#lose(new Error('PostgreSQL ended the session')));
    this.#client.on('notification', ({ processId }) => {
      if (processId !== this.#id) onChange();
    });
    this.#extend(performance.now());
    await this.#client.connect().catch((cause: Error) => {
      throw cause.message.includes('startup parameter') ? new Error(poolerMessage, { cause }) : cause;
    });
    const [facts] = await this.#query<SessionFacts>(
      `SELECT pg_backend_pid() AS id, current_setting('idle_session_timeout') AS "idleTimeout",
              current_setting('transaction_read_only')::bool AS "isReadOnly"`,
    );
    if (facts?.idleTimeout !== `${serverTimeoutMs / 1000}s`) {
      throw new Error(poolerMessage);
    }
    if (facts.isReadOnly) throw new Error('PostgreSQL accepts no writes');
    this.#id = facts.id;
    await this.#query(`LISTEN ${this.#channel}`);
    const sql = `SELECT pg_advisory_lock_shared($1, $2), pg_notify($3, '')`;
    await this.#query(sql, [leaseClassId, membershipKey, this.#channel]);
    this.#state = 'open';
  }

  /** Sends one query at a time, because the driver will not queue queries for much longer. */
  #query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const answer = this.#lastQuery.then(() => this.#send<Row>(sql, values));
    this.#lastQuery = answer.catch(() => undefined);
    return answer;
  }

  async #send<Row extends pg.QueryResultRow>(sql: string, values: unknown[]): Promise<Row[]> {
    this.#assertNotEnded();
    const sentAt = performance.now();
    const { rows } = await this.#client.query<Row>(sql, values);
    this.#assertNotEnded();
    this.#extend(sentAt);
    return rows;
  }

  #assertNotEnded(): void {
    if (this.#state === 'ended') throw new Error('the session is lost');
  }

  #extend(sentAt: number): void {
    clearTimeout(this.#deadline);
    const lose = () => this.#lose(new Error(`no query was answered for ${clientTimeoutMs} ms`));
    this.#deadline = setTimeout(lose, sentAt + clientTimeoutMs - performance.now());
  }

  #lose(reason: Error): void {
    const wasOpen = this.isOpen;
    this.destroy();
    if (wasOpen) this.#options.onLost(reason);
  }
}

/** Adds the timeouts to the startup options, which a pooler in transaction mode refuses or ignores. */
function withServerTimeouts(url: string): string {
  const parsed = new URL(url);
  const timeouts = `-c idle_session_timeout=${serverTimeoutMs} -c tcp_user_timeout=${serverTimeoutMs}`;
  parsed.searchParams.set('options', [parsed.searchParams.get('options') ?? '', timeouts].join(' ').trim());
  return parsed.href;
}
