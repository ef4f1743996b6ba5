/** `Prefer: wait`: what became of a request's updates, if that is known in time. */
import type { FastifyBaseLogger } from 'fastify';
import type { FieldReader } from '../db/field-reader.ts';
import type { Receipt, UpdateResult } from '../shared/contract/receipt.ts';
import type { DeviceId, FieldId } from '../shared/field/ids.ts';
import type { Replies, Waiting } from './replies.ts';

const receiptsEveryMs = 500;

export interface Applied {
  readonly version: number;
  readonly results: UpdateResult[];
}

interface Sources {
  readonly replies: Replies;
  readonly reader: FieldReader;
  readonly log: FastifyBaseLogger;
}

interface Sent {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly counters: readonly number[];
}

/** Waits for the worker's reply. When that may have been lost, and once more at the end, the receipts are asked. */
export async function waitUntilApplied(
  { replies, reader, log }: Sources,
  sent: Sent,
  waiting: Waiting,
  deadline: number,
): Promise<Applied | undefined> {
  for (;;) {
    const remainingMs = deadline - Date.now();
    const reply = await waiting.wait(Math.max(0, Math.min(remainingMs, receiptsEveryMs)));
    if (reply) return { version: reply.version, results: reply.results };
    const isOver = Date.now() >= deadline || replies.closed;
    if (isOver || waiting.mayBeMissed()) {
      const applied = await readApplied(reader, sent).catch((error) => {
        log.debug({ err: error, field: sent.field }, 'receipts not readable');
        return undefined;
      });
      if (applied || isOver) return applied;
    }
  }
}

async function readApplied(reader: FieldReader, { field, device, counters }: Sent): Promise<Applied | undefined> {
  const receipts = await reader.readReceipts(field, device, counters);
  if (receipts.some(({ status }) => status !== 'applied')) return undefined;
  const version = Math.max(...receipts.map((receipt) => receipt.version ?? 0));
  return { version, results: receipts.map((receipt) => toResult(receipt, version)) };
}

/** A receipt without an outcome is so old that its log is gone: what was sent now is a duplicate of it. */
function toResult({ counter, outcome = 'duplicate', version, resolution }: Receipt, known: number): UpdateResult {
  return { counter, outcome, version: version ?? known, ...(resolution ? { resolution } : {}) };
}
