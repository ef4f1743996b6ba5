/** `webhooks`: the receivers of the change feed. A worker sends to one only under a lease, so that its messages stay in order. */
import type { Knex } from 'knex';
import { z } from 'zod';
import { regionSchema } from '../../shared/contract/stream.ts';
import { fieldPatternSchema } from '../../shared/contract/token.ts';
import {
  type ChangeCursor,
  changeCursorSchema,
  comparePlaces,
  feedStart,
  formatChangeCursor,
  parseChangeCursor,
} from '../../shared/exchange/change-cursor.ts';
import type { Region } from '../../shared/field/math/region.ts';
import { type Update, updateKinds } from '../../shared/field/update.ts';
import { Row } from '../models/row.ts';

const webhookSchema = z.strictObject({
  id: z.uuid(),
  url: z.url({ protocol: /^https?$/ }).max(2000),
  fields: z.array(fieldPatternSchema).min(1).max(100),
  kinds: z.array(z.enum(updateKinds)).min(1).nullable(),
  region: regionSchema.nullable(),
  status: z.enum(['active', 'paused']),
  cursor: changeCursorSchema,
});
type NewWebhook = z.input<typeof webhookSchema>;

export class WebhookRow extends Row {
  static override readonly tableName = 'webhooks';
  static override readonly idColumn = 'id';
  static override readonly schema = webhookSchema;
  static override readonly jsonAttributes = ['region'];

  declare id: string;
  declare url: string;
  declare fields: string[];
  declare kinds: Update['kind'][] | null;
  declare region: Region | null;
  declare status: 'active' | 'paused';
  /** Everything before it was delivered, or is a dead letter. */
  declare cursor: ChangeCursor;
  declare attemptedThrough: ChangeCursor | null;
  /** How often the message at the cursor has failed. */
  declare attempts: number;
  /** How often the receiver has refused it for its content. */
  declare refusals: number;
  declare retryAt: Date | null;
  declare lastError: string | null;
  declare deliveredAt: Date | null;
  declare createdAt: Date;
}

export async function insertWebhook(db: Knex, webhook: NewWebhook): Promise<void> {
  // As a knex query, because Objection would return the row.
  await WebhookRow.query(db)
    .insert(webhook as Partial<WebhookRow>)
    .toKnexQuery();
}

export async function findWebhook(db: Knex, id: string): Promise<WebhookRow | undefined> {
  return WebhookRow.query(db).findById(id);
}

export async function listWebhooks(db: Knex): Promise<(WebhookRow & { deadLetters: number })[]> {
  const counts = db('webhook_dead_letters').count('*').whereRaw('webhook_id = webhooks.id').as('dead_letters');
  return (await WebhookRow.query(db).select('webhooks.*', counts).orderBy('created_at')) as (WebhookRow & {
    deadLetters: number;
  })[];
}

/** @returns whether there was one */
export async function deleteWebhook(db: Knex, id: string): Promise<boolean> {
  return (await WebhookRow.query(db).deleteById(id)) > 0;
}

/** The next attempt is made at once. @returns whether there is such a webhook */
export async function changeWebhook(
  db: Knex,
  id: string,
  change: { readonly status?: 'active' | 'paused'; readonly cursor?: ChangeCursor },
): Promise<boolean> {
  const { status, cursor } = change;
  const changed = await db('webhooks')
    .where({ id })
    .update({
      ...(status === undefined ? {} : { status }),
      // A worker that is sending to the receiver notices that the cursor has moved.
      ...(cursor === undefined ? {} : { cursor, attempted_through: null }),
      ...{ attempts: 0, refusals: 0, retry_at: null },
    });
  return changed > 0;
}

/** The active webhooks, and whether each is due by PostgreSQL's clock. A due one may still have no matching changes. */
export async function listActiveWebhooks(db: Knex, end: ChangeCursor): Promise<{ id: string; isDue: boolean }[]> {
  const { rows } = await db.raw<{ rows: { id: string; isDue: boolean }[] }>(
    `SELECT id, cursor <> :end AND (retry_at IS NULL OR retry_at <= clock_timestamp())
       AND (leased_until IS NULL OR leased_until <= clock_timestamp()) AS "isDue"
     FROM webhooks WHERE status = 'active'`,
    { end },
  );
  return rows;
}

interface LeaseRequest {
  readonly id: string;
  readonly lease: string;
  readonly seconds: number;
  /** The message that will be sent. It is recorded, so that another worker repeats the same one if this one is killed. */
  readonly message?: { readonly cursor: ChangeCursor; readonly through: ChangeCursor };
}

/** @returns undefined if it is not due, another worker has the lease, or an operator has moved the cursor since the message */
export async function leaseWebhook(
  db: Knex,
  { id, lease, seconds, message }: LeaseRequest,
): Promise<WebhookRow | undefined> {
  const { rows } = await db.raw<{ rows: object[] }>(
    `UPDATE webhooks SET lease = :lease, leased_until = clock_timestamp() + make_interval(secs => :seconds),
       attempted_through = COALESCE(:through, attempted_through)
     WHERE id = :id AND status = 'active' AND (retry_at IS NULL OR retry_at <= clock_timestamp())
       AND (lease = :lease OR leased_until IS NULL OR leased_until <= clock_timestamp())
       AND cursor = COALESCE(:cursor, cursor)
     RETURNING *`,
    { id, lease, seconds, cursor: message?.cursor ?? null, through: message?.through ?? null },
  );
  return rows[0] && WebhookRow.fromDatabaseJson(rows[0]);
}

export async function releaseWebhook(db: Knex, id: string, lease: string): Promise<void> {
  await db('webhooks').where({ id, lease }).update({ lease: null, leased_until: null });
}

interface MessageResult {
  readonly id: string;
  readonly lease: string;
  readonly cursor: ChangeCursor;
  readonly through: ChangeCursor;
}

/** Moves the cursor. @returns false if the lease was lost meanwhile, or an operator has moved the cursor */
export async function recordDelivery(db: Knex, { id, lease, cursor, through }: MessageResult): Promise<boolean> {
  const changed = await db('webhooks')
    .where({ id, lease, cursor })
    .update({
      ...{ cursor: through, attempted_through: null, attempts: 0, refusals: 0, retry_at: null, last_error: null },
      delivered_at: db.raw('clock_timestamp()'),
    });
  return changed > 0;
}

export async function recordFailure(
  db: Knex,
  { id, lease, cursor, through }: MessageResult,
  {
    reason,
    retryMs,
    pause,
    isRefused,
  }: { readonly reason: string; readonly retryMs: number; readonly pause: boolean; readonly isRefused: boolean },
): Promise<void> {
  await db.raw(
    `UPDATE webhooks SET attempts = attempts + 1, refusals = refusals + :isRefused::boolean::int, attempted_through = :through, last_error = :reason,
       retry_at = clock_timestamp() + make_interval(secs => :seconds), status = CASE WHEN :pause THEN 'paused' ELSE status END
     WHERE id = :id AND lease = :lease AND cursor = :cursor`,
    { id, lease, cursor, through, reason, pause, isRefused, seconds: retryMs / 1000 },
  );
}

/** The message will not be sent again unless an operator replays it. */
export async function recordDeadLetter(db: Knex, result: MessageResult, reason: string): Promise<boolean> {
  return db.transaction(async (trx) => {
    const { id: webhook_id, cursor: after_cursor, through: through_cursor } = result;
    if (!(await recordDelivery(trx, result))) return false;
    await trx('webhook_dead_letters').insert({ webhook_id, after_cursor, through_cursor, reason });
    return true;
  });
}

/**
 * Moves the cursor back to before the first dead letter, and removes them all: they are sent again with everything after them.
 * @returns undefined without dead letters
 */
export async function replayDeadLetters(db: Knex, id: string): Promise<ChangeCursor | undefined> {
  return db.transaction(async (trx) => {
    const webhook: { cursor: ChangeCursor } | undefined = await trx('webhooks')
      .where({ id })
      .forUpdate()
      .first('cursor');
    const rows: { after_cursor: ChangeCursor }[] = await trx('webhook_dead_letters')
      .where({ webhook_id: id })
      .delete()
      .returning('after_cursor');
    if (!webhook || rows.length === 0) return undefined;
    const places = [webhook.cursor, ...rows.map(({ after_cursor }) => after_cursor)].map(parseChangeCursor);
    const [first = feedStart] = places.sort(comparePlaces);
    const cursor = formatChangeCursor(first);
    await changeWebhook(trx, id, { cursor });
    return cursor;
  });
}
