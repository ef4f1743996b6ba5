/** `webhooks`: lists webhooks, and adds, removes, pauses, resumes and replays one. Each change is recorded before it is made. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { createChangeFeedReader } from '../../../db/read/changes/read-changes.ts';
import {
  changeWebhook,
  deleteWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  replayDeadLetters,
} from '../../../db/webhooks/webhook-row.ts';
import { regionSchema } from '../../../shared/contract/stream.ts';
import { changeCursorSchema, feedStart, formatChangeCursor } from '../../../shared/exchange/change-cursor.ts';
import type { Region } from '../../../shared/field/math/region.ts';
import type { Update } from '../../../shared/field/update.ts';
import { describeBadTarget } from '../../../shared/webhooks/public-address.ts';
import { deriveWebhookSecret } from '../../../shared/webhooks/secret.ts';
import { recordActions } from '../../backends/record-action.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { parsePatterns } from '../../input/parse-token-options.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable } from '../../output/render-table.ts';
import { pluralize } from '../../text/format-numbers.ts';

export interface JsonOption {
  readonly json?: boolean;
}

export interface AddWebhookOptions extends JsonOption {
  readonly fields: string;
  readonly kind?: readonly Update['kind'][];
  readonly region?: string;
  readonly fromStart?: boolean;
}

export interface ReplayOptions extends JsonOption {
  readonly deadLetters?: boolean;
  readonly after?: string;
  readonly fromStart?: boolean;
}

export async function printWebhooks({ json }: JsonOption, context: CommandContext): Promise<void> {
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
  const webhooks = await withDatabase(DATABASE_URL, listWebhooks);
  if (json) {
    const shown = webhooks.map((webhook) => {
      const { id, url, fields, kinds, region, status, cursor, attempts, retryAt, lastError, deliveredAt } = webhook;
      const state = { status, cursor, attempts, retryAt, lastError, deliveredAt, deadLetters: webhook.deadLetters };
      return { id, url, fields, kinds, region, ...state };
    });
    return context.print(JSON.stringify({ webhooks: shown }));
  }
  if (webhooks.length === 0) return context.print('There are no webhooks');
  const head = ['id', 'address', 'fields', 'status', 'delivered', 'failed', 'dead letters', 'last error'];
  const rows = webhooks.map(({ id, url, fields, status, deliveredAt, attempts, deadLetters, lastError }) => {
    const delivered = deliveredAt?.toISOString() ?? 'never';
    return [id, url, fields.join(','), status, delivered, String(attempts), String(deadLetters), lastError ?? ''];
  });
  context.print(renderTable([head, ...rows]));
  context.print(pluralize(webhooks.length, 'webhook'));
}

export async function addWebhook(url: string, options: AddWebhookOptions, context: CommandContext): Promise<void> {
  const settings = readSettings(
    ['DATABASE_URL', 'WEBHOOK_KEY', 'WEBHOOK_ALLOW_HTTP', 'WEBHOOK_ALLOW_PRIVATE'],
    context,
  );
  const {
    DATABASE_URL,
    WEBHOOK_KEY: key,
    WEBHOOK_ALLOW_HTTP: allowHttp,
    WEBHOOK_ALLOW_PRIVATE: allowPrivate,
  } = settings;
  if (key === undefined) {
    throw new CliError('usage', 'WEBHOOK_KEY is missing: the secrets of webhooks are derived from it.', {
      hint: 'Make one with `openssl rand -base64 48`, and give it to all workers.',
    });
  }
  const problem = describeBadTarget(url, { allowHttp, allowPrivate });
  if (problem) throw new CliError('usage', `${url} cannot be used: ${problem}.`);
  const { fields, kind, region, fromStart, json } = options;
  const id = randomUUID();
  const webhook = {
    ...{ id, url, fields: parsePatterns(fields), kinds: kind ? [...kind] : null },
    ...{ region: region === undefined ? null : parseRegion(region), status: 'active' as const },
  };
  await withDatabase(DATABASE_URL, async (db) => {
    const place = fromStart ? feedStart : await createChangeFeedReader(db).readEnd();
    await record(db, 'add', id, { host: new URL(url).host, fields });
    await insertWebhook(db, { ...webhook, cursor: formatChangeCursor(place) });
  });
  const secret = deriveWebhookSecret(key, id);
  if (json) return context.print(JSON.stringify({ id, secret }));
  context.print(`${id} is added. Its secret, which is not shown again:`);
  context.print(secret);
}

export async function removeWebhook(id: string, { json }: JsonOption, context: CommandContext): Promise<void> {
  await withWebhook(id, context, async (db) => {
    await record(db, 'remove', id);
    await deleteWebhook(db, id);
  });
  context.print(json ? JSON.stringify({ id, removed: true }) : `${id} is removed`);
}

export async function setWebhookStatus(
  [id, status]: readonly [id: string, status: 'active' | 'paused'],
  { json }: JsonOption,
  context: CommandContext,
): Promise<void> {
  await withWebhook(id, context, async (db) => {
    await record(db, status === 'paused' ? 'pause' : 'resume', id);
    await changeWebhook(db, id, { status });
  });
  context.print(json ? JSON.stringify({ id, status }) : `${id} is ${status}`);
}

export async function replayWebhook(id: string, options: ReplayOptions, context: CommandContext): Promise<void> {
  const { deadLetters, after, fromStart, json } = options;
  if ([deadLetters, after, fromStart].filter((choice) => choice !== undefined).length !== 1) {
    throw new CliError('usage', 'Specify where to start: --dead-letters, --after or --from-start.');
  }
  const given = after === undefined ? undefined : changeCursorSchema.safeParse(after);
  if (given?.error) throw new CliError('usage', `--after: "${after}" is not a cursor of the change feed.`);
  const cursor = await withWebhook(id, context, async (db) => {
    await record(db, 'replay', id, { ...options });
    if (deadLetters) {
      const first = await replayDeadLetters(db, id);
      if (first === undefined) throw new CliError('negative', `The webhook ${id} has no dead letters.`);
      return first;
    }
    const chosen = given?.data ?? formatChangeCursor(feedStart);
    await changeWebhook(db, id, { cursor: chosen });
    return chosen;
  });
  context.print(json ? JSON.stringify({ id, cursor }) : `${id} gets everything after ${cursor} again`);
}

/** @throws CliError `negative` if there is no such webhook */
async function withWebhook<T>(id: string, context: CommandContext, work: (db: Knex) => Promise<T>): Promise<T> {
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
  return withDatabase(DATABASE_URL, async (db) => {
    if (!(await findWebhook(db, id))) throw new CliError('negative', `There is no webhook ${id}.`);
    return work(db);
  });
}

async function record(db: Knex, change: string, id: string, details?: Record<string, unknown>): Promise<void> {
  await recordActions(db, [{ action: `webhooks.${change}`, target: id, details: details ?? null }]);
}

/** @throws CliError `usage` */
function parseRegion(text: string): Region {
  const [x0, y0, x1, y1, ...rest] = text.split(',').map(Number);
  const region = regionSchema.safeParse({ x0, y0, x1, y1 });
  if (region.success && rest.length === 0) return region.data;
  throw new CliError('usage', `--region: "${text}" is not x0,y0,x1,y1.`);
}
