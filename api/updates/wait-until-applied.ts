/** `Prefer: wait`: waits for the results of a request's updates until a deadline. */
import type { FastifyBaseLogger } from 'fastify';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { SentUpdates } from '../../db/read/receipts/update-results.ts';
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { LatestVersions } from '../state/latest-versions.ts';
import type { PendingReplies, PendingReply } from './pending-replies.ts';

const initialPollMs = 750;

export interface Applied {
  readonly version: number;
  readonly cursor: Cursor;
  readonly results: UpdateResult[];
}

interface WaitUntilAppliedDeps {
  readonly replies: Pick<PendingReplies, 'isClosed'>;
  readonly reader: Pick<FieldReader, 'readResults'>;
  readonly versions: Pick<LatestVersions, 'observe' | 'isReadable'>;
  readonly log: FastifyBaseLogger;
}

interface WaitUntilAppliedOptions {
  readonly sent: SentUpdates;
  readonly pendingReply: PendingReply;
  /** In ms of the monotonic clock, because the wall clock can be set during the wait. */
  readonly deadline: number;
}

/**
 * Waits for the worker's reply, which follows the publication. A reply may be lost, so PostgreSQL is polled as well, with a doubling
 * interval; its results count once they can be read from the cache, so that the next read of the state contains them.
 * @returns undefined when the results are not known by the deadline
 */
export async function waitUntilApplied(
  { replies, reader, versions, log }: WaitUntilAppliedDeps,
  { sent, pendingReply, deadline }: WaitUntilAppliedOptions,
): Promise<Applied | undefined> {
  for (let pollMs = initialPollMs; ; pollMs *= 2) {
    const timeoutMs = pendingReply.mayHaveBeenMissed() ? initialPollMs : pollMs;
    const reply = await pendingReply.wait(Math.max(0, Math.min(deadline - performance.now(), timeoutMs)));
    if (reply) {
      versions.observe(sent.field, reply.version);
      return { version: reply.version, cursor: reply.cursor, results: reply.results };
    }
    const isLastAttempt = performance.now() >= deadline || replies.isClosed;
    const applied = await reader.readResults(sent).catch((error) => {
      log.debug({ err: error, field: sent.field }, 'receipt read failed');
      return undefined;
    });
    if (applied && (isLastAttempt || (await versions.isReadable(sent.field, applied.version)))) {
      versions.observe(sent.field, applied.version);
      return applied;
    }
    if (isLastAttempt) return undefined;
  }
}
