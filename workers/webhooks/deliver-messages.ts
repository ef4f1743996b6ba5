/**
 * Delivers the pending changes to one receiver, message by message, at least once: its cursor moves only after it has accepted a
 * message, so a killed worker repeats a message but never skips one. Retry state is in PostgreSQL, so losing the queue loses nothing.
 */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { createChangeFeedReader } from '../../db/read/changes/read-changes.ts';
import {
  leaseWebhook,
  recordDeadLetter,
  recordDelivery,
  recordFailure,
  releaseWebhook,
  type WebhookRow,
} from '../../db/webhooks/webhook-row.ts';
import { FieldError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { jitter } from '../../shared/process/retry.ts';
import type { TargetRules } from '../../shared/webhooks/public-address.ts';
import { deriveWebhookSecret, signMessage } from '../../shared/webhooks/secret.ts';
import { buildMessage, type Message } from './build-message.ts';
import { postMessage } from './post-message.ts';

/** Longer than the timeout of a message. */
const leaseSeconds = 15;
/** Bounds a turn, so that one receiver with a long backlog does not block the others. */
const maxMessagesPerTurn = 50;
const initialRetryMs = 1000;
const maxRetryMs = 3_600_000;
/** A message becomes a dead letter after this many refusals: 4xx answers that are not temporary. */
const maxRefusals = 8;
/** The 4xx that do not mean that the message itself is wrong. */
const temporaryStatuses = new Set([401, 403, 404, 408, 409, 421, 423, 425, 429]);
const gone = 410;

export interface DeliveryDeps {
  readonly db: Knex;
  readonly log: Logger;
  /** The setting `WEBHOOK_KEY`. */
  readonly key: string;
  readonly rules: TargetRules;
  readonly signal: AbortSignal;
}

/** Sends up to `maxMessagesPerTurn` messages. The rest is sent in another turn. */
export async function deliverMessages(deps: DeliveryDeps, id: string): Promise<void> {
  const { db, signal } = deps;
  const feed = createChangeFeedReader(db);
  const lease = randomUUID();
  try {
    for (let sent = 0; sent < maxMessagesPerTurn; sent += 1) {
      const webhook = signal.aborted ? undefined : await leaseWebhook(db, { id, lease, seconds: leaseSeconds });
      if (!webhook) return;
      const message = await buildMessage(feed, webhook).catch((error: unknown) => {
        if (!(error instanceof FieldError) || error.code !== 'cursor_unknown') throw error;
        return pauseForLostCursor(deps, webhook, lease);
      });
      if (!message) return;
      const isTaken = await deliver(deps, { webhook, message, lease });
      if (!isTaken || message.isLast) return;
    }
  } finally {
    await releaseWebhook(db, id, lease);
  }
}

async function pauseForLostCursor({ db, log }: DeliveryDeps, { id, cursor }: WebhookRow, lease: string): Promise<void> {
  const reason = 'a restore or a failover has lost what was delivered last; replay it';
  await recordFailure(
    db,
    { id, lease, cursor, through: cursor },
    { reason, retryMs: 0, pause: true, isRefused: false },
  );
  log.error({ webhook: id }, 'webhook paused: the change feed does not have its cursor');
}

interface Delivery {
  readonly webhook: WebhookRow;
  readonly message: Message;
  readonly lease: string;
}

/** @returns whether the cursor has moved */
async function deliver(deps: DeliveryDeps, { webhook, message, lease }: Delivery): Promise<boolean> {
  const { db, log, signal } = deps;
  const { id, cursor, attempts, refusals } = webhook;
  const result = { id, lease, cursor, through: message.through };
  if (message.changes.length === 0) return message.through === cursor ? false : recordDelivery(db, result);
  // Reading may have taken long, so the lease is extended: it must not expire while the message is being delivered.
  const isHeld = await leaseWebhook(db, { id, lease, seconds: leaseSeconds, message: result });
  if (!isHeld) return false;
  const answer = await send(deps, webhook, message);
  const outcome = classify(answer);
  if (outcome === 'delivered') return recordDelivery(db, result);
  if (signal.aborted) return false;
  const reason = 'status' in answer ? `status ${answer.status}` : answer.error;
  const isRefused = outcome === 'refused';
  if (isRefused && refusals + 1 >= maxRefusals) {
    log.warn({ webhook: id, reason }, 'webhook message became a dead letter');
    return recordDeadLetter(db, result, reason);
  }
  const retryAfterMs = 'status' in answer ? (answer.retryAfterSeconds ?? 0) * 1000 : 0;
  const retryMs = Math.min(maxRetryMs, Math.max(retryAfterMs, computeBackoffMs(attempts)));
  const pause = outcome === 'gone';
  if (pause || attempts === 0) log.warn({ webhook: id, reason, retryMs, paused: pause }, 'webhook not delivered');
  await recordFailure(db, result, { reason, retryMs, pause, isRefused });
  return false;
}

async function send({ key, rules, signal }: DeliveryDeps, { id, url, cursor }: WebhookRow, message: Message) {
  const timestamp = Math.floor(Date.now() / 1000);
  const body = JSON.stringify({
    type: 'field.changes',
    timestamp: new Date(timestamp * 1000).toISOString(),
    data: { webhook: id, after: cursor, changes: message.changes, next: message.through },
  });
  const headers = {
    'webhook-id': message.id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signMessage(deriveWebhookSecret(key, id), { id: message.id, timestamp, body }),
    'user-agent': 'consciousness-field',
  };
  try {
    return await postMessage({ url, headers, body }, { rules, signal });
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** `refused`: the message itself is wrong. `gone`: the receiver wants no further ones. `failed`: another attempt can help. */
function classify(answer: Awaited<ReturnType<typeof send>>): 'delivered' | 'refused' | 'gone' | 'failed' {
  if (!('status' in answer)) return 'failed';
  const { status } = answer;
  if (status >= 200 && status < 300) return 'delivered';
  if (status === gone) return 'gone';
  return status >= 400 && status < 500 && !temporaryStatuses.has(status) ? 'refused' : 'failed';
}

function computeBackoffMs(attempts: number): number {
  return jitter(Math.min(maxRetryMs, initialRetryMs * 2 ** Math.min(attempts, 20)), 0.5);
}
