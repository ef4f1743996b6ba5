/** `Prefer: wait`: what became of a request's updates, if that is known in time. */
import type { FastifyBaseLogger } from 'fastify';
import type { FieldReader, SentUpdates } from '../../db/read/field-reader.ts';
import type { UpdateResult } from '../../shared/contract/receipt.ts';
import type { Replies, Waiting } from './pending-replies.ts';

const firstLookMs = 750;

export interface Applied {
  readonly version: number;
  readonly results: UpdateResult[];
}

interface Sources {
  readonly replies: Replies;
  readonly reader: FieldReader;
  readonly log: FastifyBaseLogger;
}

/** Waits for the worker's reply. Since that may be lost, the log is asked as well: soon, then ever more seldom. */
export async function waitUntilApplied(
  { replies, reader, log }: Sources,
  sent: SentUpdates,
  waiting: Waiting,
  deadline: number,
): Promise<Applied | undefined> {
  for (let pauseMs = firstLookMs; ; pauseMs *= 2) {
    const limitMs = waiting.mayBeMissed() ? firstLookMs : pauseMs;
    const reply = await waiting.wait(Math.max(0, Math.min(deadline - Date.now(), limitMs)));
    if (reply) return { version: reply.version, results: reply.results };
    const isOver = Date.now() >= deadline || replies.closed;
    const applied = await reader.readResults(sent).catch((error) => {
      log.debug({ err: error, field: sent.field }, 'receipts not readable');
      return undefined;
    });
    if (applied || isOver) return applied;
  }
}
