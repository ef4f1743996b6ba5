/** `Prefer: wait`: what became of a request's updates, if that is known in time. */
import type { FastifyBaseLogger } from 'fastify';
import type { FieldReader, SentUpdates } from '../../db/read/field-reader.ts';
import type { UpdateResult } from '../../shared/contract/receipt.ts';
import type { PendingReplies, PendingReply } from './pending-replies.ts';

const initialPollMs = 750;

export interface Applied {
  readonly version: number;
  readonly results: UpdateResult[];
}

interface WaitUntilAppliedDeps {
  readonly replies: PendingReplies;
  readonly reader: FieldReader;
  readonly log: FastifyBaseLogger;
}

/** Waits for the worker's reply. Since that may be lost, the log is asked as well: soon, then ever more seldom. */
export async function waitUntilApplied(
  { replies, reader, log }: WaitUntilAppliedDeps,
  sent: SentUpdates,
  pendingReply: PendingReply,
  deadline: number,
): Promise<Applied | undefined> {
  for (let pauseMs = initialPollMs; ; pauseMs *= 2) {
    const timeoutMs = pendingReply.mayHaveBeenMissed() ? initialPollMs : pauseMs;
    const reply = await pendingReply.wait(Math.max(0, Math.min(deadline - Date.now(), timeoutMs)));
    if (reply) return { version: reply.version, results: reply.results };
    const isLastAttempt = Date.now() >= deadline || replies.isClosed;
    const applied = await reader.readResults(sent).catch((error) => {
      log.debug({ err: error, field: sent.field }, 'receipts not readable');
      return undefined;
    });
    if (applied || isLastAttempt) return applied;
  }
}
