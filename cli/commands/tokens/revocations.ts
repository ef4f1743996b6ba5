/** `token revoke`, `token restore` and `token list`. A revocation reaches every process within a second. */
import { decodeJwt } from 'jose';
import { liftRevocation, listRevocations, type RevocationRow, revoke } from '../../../db/models/revocation.ts';
import { createFieldReader } from '../../../db/read/field-reader.ts';
import type { RevocationKind } from '../../../shared/auth/revocation-list.ts';
import { createCacheKeys } from '../../../shared/cache/cache-keys.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import { type CommandAction, recordActions } from '../../backends/record-action.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { openRedis } from '../../backends/with-redis.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable } from '../../output/render-table.ts';

export interface JsonOption {
  readonly json?: boolean;
}

export interface RevocationOptions extends JsonOption {
  /** A token's id (jti). */
  readonly id?: string;
  readonly token?: string;
  readonly device?: DeviceId;
  readonly user?: string;
  readonly reason?: string;
}

export async function revokeTokens(options: RevocationOptions, context: CommandContext): Promise<void> {
  const subjects = parseSubjects(options);
  const settings = readSettings(['DATABASE_URL', 'QUEUE_PREFIX'], context, ['CACHE_REDIS_URL']);
  await withDatabase(settings.DATABASE_URL, async (db) => {
    const details = options.reason === undefined ? null : { reason: options.reason };
    await recordActions(db, toActions('token.revoke', subjects, details));
    for (const [kind, subject] of subjects) {
      await revoke(db, { kind, subject, reason: options.reason });
      if (!options.json) context.print(`Revoked: ${kind} ${subject}`);
    }
    if (options.json)
      context.print(JSON.stringify({ revoked: subjects.map(([kind, subject]) => ({ kind, subject })) }));
    const installation = await createFieldReader(db).readInstallation();
    const channel = createCacheKeys(settings.QUEUE_PREFIX, installation).revocationChannel;
    await notifyProcesses(settings.CACHE_REDIS_URL, channel, context);
  });
}

/** Processes poll the list every second; without Redis, a revocation takes effect at the next poll. */
async function notifyProcesses(url: string | undefined, channel: string, context: CommandContext): Promise<void> {
  try {
    if (!url) return;
    const redis = await openRedis({ url, label: 'the cache', setting: 'CACHE_REDIS_URL' });
    await redis.publish(channel, '').finally(() => redis.disconnect());
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    context.warn(`${error.message}\nThe processes poll the revocations and apply them within a second.`);
  }
}

export async function restoreTokens(options: RevocationOptions, context: CommandContext): Promise<void> {
  const subjects = parseSubjects(options);
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
  await withDatabase(DATABASE_URL, async (db) => {
    await recordActions(db, toActions('token.restore', subjects, null));
    for (const [kind, subject] of subjects) {
      if (!(await liftRevocation(db, { kind, subject })))
        throw new CliError('negative', `Not revoked: ${kind} ${subject}`);
      if (!options.json) context.print(`Restored: ${kind} ${subject}`);
    }
    if (options.json)
      context.print(JSON.stringify({ restored: subjects.map(([kind, subject]) => ({ kind, subject })) }));
  });
}

export async function printRevocations({ json }: JsonOption, context: CommandContext): Promise<void> {
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
  await withDatabase(DATABASE_URL, async (db) => {
    const revoked = await listRevocations(db);
    if (json) return context.print(JSON.stringify({ revoked: revoked.map(describe) }));
    if (revoked.length === 0) return context.print('Nothing is revoked');
    const rows = revoked.map(({ kind, subject, revokedAt, reason }) => [
      kind,
      subject,
      new Date(revokedAt).toISOString(),
      reason ?? '',
    ]);
    context.print(renderTable([['kind', 'subject', 'revoked', 'reason'], ...rows]));
  });
}

function describe({ kind, subject, revokedAt, reason }: RevocationRow) {
  return { kind, subject, revokedAt, reason };
}

function toActions(
  action: string,
  subjects: readonly (readonly [RevocationKind, string])[],
  details: CommandAction['details'],
): CommandAction[] {
  return subjects.map(([kind, subject]) => ({ action, target: `${kind} ${subject}`, details }));
}

/** @throws CliError `usage` when no subject is given */
function parseSubjects({ id, token, device, user }: RevocationOptions): [RevocationKind, string][] {
  const subjects: [RevocationKind, string | undefined][] = [
    ['token', id],
    ['token', token === undefined ? undefined : parseTokenId(token)],
    ['device', device],
    ['user', user],
  ];
  const named = subjects.filter((subject): subject is [RevocationKind, string] => Boolean(subject[1]));
  if (named.length > 0) return named;
  throw new CliError('usage', 'Specify the tokens with --id, --token, --device or --user.');
}

/** The signature is not verified: revoking a token that was never valid has no effect. */
function parseTokenId(token: string): string {
  try {
    const { jti } = decodeJwt(token.trim());
    if (jti) return jti;
  } catch (cause) {
    throw new CliError('usage', 'The value of --token is not a token.', { cause });
  }
  throw new CliError('usage', 'The token has no id (jti): revoke its --device or --user.');
}
