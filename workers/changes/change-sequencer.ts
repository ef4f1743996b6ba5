/**
 * Adds the commits of this worker to the change feed soon after they were made, outside the commit path: one transaction at a
 * time, for all fields that were committed to since the last one. Failures are left to the maintenance task, which covers all fields.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { sequenceChanges } from '../../db/changes/sequence-changes.ts';
import type { CacheKeys } from '../../shared/cache/cache-keys.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';

/** The pause between two transactions. Delays readers of the feed by as much, and bounds the transactions to ten a second. */
const intervalMs = 100;

interface ChangeSequencerDeps {
  readonly db: Knex;
  /** The cache, for the message that wakes up readers. */
  readonly redis: Pick<Redis, 'publish'>;
  readonly keys: Pick<CacheKeys, 'changeFeedChannel'>;
  readonly log: Logger;
  /** Called when the feed was extended. Must not throw. */
  readonly onExtended: () => void;
}

export class ChangeSequencer {
  readonly #deps: ChangeSequencerDeps;
  readonly #pending = new Set<FieldId>();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: ChangeSequencerDeps) {
    this.#deps = deps;
  }

  /** Call it when the fields have been committed to. Never throws. */
  add(fields: Iterable<FieldId>): void {
    for (const field of fields) this.#pending.add(field);
    if (this.#pending.size > 0) this.#running ??= this.#run();
  }

  /** Adds what has been committed so far, so that a stopping worker leaves nothing to the others. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#pending.size > 0) {
      const fields = [...this.#pending];
      this.#pending.clear();
      try {
        await this.#sequence(fields);
      } catch (err) {
        this.#deps.log.debug({ err, fields: fields.length }, 'change feed update failed; left to maintenance');
      }
      await delay(intervalMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
    this.#running = undefined;
  }

  async #sequence(fields: readonly FieldId[]): Promise<void> {
    const { db, redis, keys, log, onExtended } = this.#deps;
    if ((await sequenceChanges(db, fields)) === 0) return;
    onExtended();
    // Readers also poll, so a lost message only delays them.
    await redis.publish(keys.changeFeedChannel, '').catch((err) => log.debug({ err }, 'change feed not announced'));
  }
}
