/** Opens the collaborators of an erasure besides the database: the queues, the cache, and the folder of the backups. */
import { resolve } from 'node:path';
import type { Knex } from 'knex';
import { syncRecords } from '../../db/backup/records/sync-records.ts';
import type { ErasureDeps } from '../../db/erase/run-erasure.ts';
import type { ErasureSubject } from '../../db/erase/subject.ts';
import { markForRepublish } from '../../db/models/unpublished-field.ts';
import { createFieldReader } from '../../db/read/field-reader.ts';
import { createCacheKeys } from '../../shared/cache/cache-keys.ts';
import { FieldCache } from '../../shared/cache/field-cache.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { openRedis } from '../backends/with-redis.ts';
import type { CommandContext } from '../context/command-context.ts';
import type { readSettings, SettingName } from '../input/read-settings.ts';
import { startProgress } from '../output/progress.ts';
import { formatCount } from '../text/format-numbers.ts';
import { deleteCopy, deleteTraces, publishErasure } from './erase-from-cache.ts';
import { withAllQueues } from './open-queues.ts';

export const erasureSettings = [
  'DATABASE_URL',
  'QUEUE_REDIS_URL',
  'CACHE_REDIS_URL',
  'QUEUE_PREFIX',
  'CACHE_TTL_SECONDS',
  'BACKUP_FOLDER',
] as const satisfies SettingName[];

export type ErasureSettings = ReturnType<
  typeof readSettings<(typeof erasureSettings)[number], 'DATABASE_DIRECT_URL' | 'ERASURE_KEY'>
>;

interface OpenDeps {
  readonly deps: Omit<ErasureDeps, 'db' | 'pseudonyms'> & { readonly recordsFolder: string };
  readonly deleteTraces: (subject: ErasureSubject) => Promise<void>;
}

/** @throws CliError `unreachable` when one of the Redis cannot be reached */
export async function withErasureDeps<T>(
  db: Knex,
  settings: ErasureSettings,
  context: CommandContext,
  signal: AbortSignal,
  work: (open: OpenDeps) => Promise<T>,
): Promise<T> {
  const { CACHE_REDIS_URL: url, QUEUE_REDIS_URL: redisUrl, QUEUE_PREFIX: prefix } = settings;
  const redis = await openRedis({ url, label: 'the cache', setting: 'CACHE_REDIS_URL' });
  const progress = startProgress(context.stderr);
  try {
    const keys = createCacheKeys(prefix, await createFieldReader(db).readInstallation());
    const cache = new FieldCache(redis, keys, settings.CACHE_TTL_SECONDS);
    const recordsFolder = resolve(context.cwd, settings.BACKUP_FOLDER);
    return await withAllQueues(db, { databaseUrl: directDatabaseUrl(settings), redisUrl, prefix }, (queues) =>
      work({
        deleteTraces: (subject) => deleteTraces(redis, keys, subject),
        deps: {
          queues,
          signal,
          recordsFolder,
          onRecorded: () => syncRecords(db, recordsFolder),
          onAppended: async (appended) => {
            const { field, version } = appended.state;
            // A worker publishes it later if the cache fails now.
            await publishErasure(cache, appended).catch(() => markForRepublish(db, [{ field, version }]));
          },
          onDeleted: (field) => deleteCopy(cache, field),
          onProgress: ({ field, entries }) =>
            progress.show({ done: 0, total: 1, text: `${field}: ${formatCount(entries)} log entries erased` }),
        },
      }),
    );
  } finally {
    progress.stop();
    redis.disconnect();
  }
}
