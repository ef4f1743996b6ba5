/** `field token revoke`, `restore` and `list`: takes tokens back, on every process within a second. */
import type { Command } from 'commander';
import { decodeJwt } from 'jose';
import { createFieldReader } from '../../../db/read/field-reader.ts';
import { type ListedRevocation, liftRevocation, listRevocations, revoke } from '../../../db/write/revocations.ts';
import type { RevocationKind } from '../../../shared/auth/revocation-list.ts';
import { createCacheKeys } from '../../../shared/cache/cache-keys.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import { withDatabase } from '../../backends/with-database.ts';
import { openRedis } from '../../backends/with-redis.ts';
import { CliError } from '../../errors/cli-error.ts';
import { parseDevice } from '../../input/parse-arguments.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable } from '../../output/render-table.ts';

interface RevocationOptions {
  id?: string;
  token?: string;
  device?: DeviceId;
  user?: string;
  reason?: string;
  json?: boolean;
}

export function addRevocationCommands(token: Command): void {
  const addSubjectOptions = (command: Command) =>
    command
      .option('--id <jti>', 'one token, by its id')
      .option('--token <jwt>', 'one token, by itself')
      .option('--device <id>', 'all tokens of a device that were issued until now', parseDevice)
      .option('--user <sub>', 'all tokens of a user that were issued until now')
      .option('--json', 'prints what was done as JSON');
  addSubjectOptions(token.command('revoke'))
    .description('takes tokens back: requests are refused and streams closed, within a second and on every process')
    .option('--reason <text>', 'why, for the list')
    .action(revokeTokens);
  addSubjectOptions(token.command('restore'))
    .description('lets tokens that were revoked open doors again')
    .action(restoreTokens);
  token
    .command('list')
    .description('lists what is revoked, the newest first')
    .option('--json', 'prints it as JSON')
    .action(list);
}

async function revokeTokens(options: RevocationOptions): Promise<void> {
  const subjects = parseSubjects(options);
  const settings = readSettings(['DATABASE_URL', 'QUEUE_PREFIX'], process.env, ['CACHE_REDIS_URL']);
  await withDatabase(settings.DATABASE_URL, async (db) => {
    for (const [kind, subject] of subjects) {
      await revoke(db, kind, subject, options.reason);
      if (!options.json) console.log(`Revoked: ${kind} ${subject}`);
    }
    if (options.json) console.log(JSON.stringify({ revoked: subjects.map(([kind, subject]) => ({ kind, subject })) }));
    const installation = await createFieldReader(db).readInstallation();
    await notifyProcesses(
      settings.CACHE_REDIS_URL,
      createCacheKeys(settings.QUEUE_PREFIX, installation).revocationChannel,
    );
  });
}

/** Processes look every second by themselves: without Redis they hear of it that much later. */
async function notifyProcesses(url: string | undefined, channel: string): Promise<void> {
  try {
    if (!url) return;
    const redis = await openRedis({ url, label: 'the cache', setting: 'CACHE_REDIS_URL' });
    await redis.publish(channel, '').finally(() => redis.disconnect());
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    console.error(`${error.message}\nThe processes find out by themselves within a second.`);
  }
}

async function restoreTokens(options: RevocationOptions): Promise<void> {
  const subjects = parseSubjects(options);
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], process.env);
  await withDatabase(DATABASE_URL, async (db) => {
    for (const [kind, subject] of subjects) {
      if (!(await liftRevocation(db, kind, subject))) throw new CliError('no', `Not revoked: ${kind} ${subject}`);
      if (!options.json) console.log(`Restored: ${kind} ${subject}`);
    }
    if (options.json) console.log(JSON.stringify({ restored: subjects.map(([kind, subject]) => ({ kind, subject })) }));
  });
}

async function list({ json }: { json?: boolean }): Promise<void> {
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], process.env);
  await withDatabase(DATABASE_URL, async (db) => {
    const revoked = await listRevocations(db);
    if (json) return console.log(JSON.stringify({ revoked: revoked.map(describe) }));
    if (revoked.length === 0) return console.log('Nothing is revoked');
    const rows = revoked.map(({ kind, subject, revokedAt, reason }) => [
      kind,
      subject,
      new Date(revokedAt).toISOString(),
      reason ?? '',
    ]);
    console.log(renderTable([['kind', 'subject', 'revoked', 'reason'], ...rows]));
  });
}

function describe({ kind, subject, revokedAt, reason }: ListedRevocation) {
  return { kind, subject, revokedAt, reason };
}

/** @throws CliError `usage` when it names nothing */
function parseSubjects({ id, token, device, user }: RevocationOptions): [RevocationKind, string][] {
  const subjects: [RevocationKind, string | undefined][] = [
    ['token', id],
    ['token', token === undefined ? undefined : parseTokenId(token)],
    ['device', device],
    ['user', user],
  ];
  const named = subjects.filter((subject): subject is [RevocationKind, string] => Boolean(subject[1]));
  if (named.length > 0) return named;
  throw new CliError('usage', 'Whose tokens? Say --id, --token, --device or --user.');
}

/** The signature does not matter: what is no token of ours opens nothing anyway. */
function parseTokenId(token: string): string {
  try {
    const { jti } = decodeJwt(token.trim());
    if (jti) return jti;
  } catch (cause) {
    throw new CliError('usage', 'What follows --token is not a token.', { cause });
  }
  throw new CliError('usage', 'The token has no id (jti): revoke its --device or --user.');
}
