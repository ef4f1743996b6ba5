/** Reads the state of a field as text from PostgreSQL and from the cache. Both are identical when everything is published. */
import type { LogPage } from '../../db/read/field-reader.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeState } from '../../shared/cache/state-serializer.ts';
import { type Cursor, formatCursor, versionOf } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Backing } from './processes/with-worker.ts';
import { waitUntil } from './wait-until.ts';

/** The timeout must exceed the 20 s after which the jobs of a killed worker are retried at the latest. */
const longTimeout = { timeoutMs: 60_000 };

export async function readStored({ reader }: Backing, field: FieldId): Promise<string> {
  const state = await reader.loadState(field);
  if (!state) throw new Error(`field ${field} does not exist`);
  return serializeState(toFragments(state)).toString();
}

export async function readCached({ cache }: Backing, field: FieldId): Promise<string | undefined> {
  const fragments = await cache.read(field);
  return fragments && serializeState(fragments).toString();
}

export async function waitForVersion({ reader }: Backing, field: FieldId, version: number): Promise<void> {
  await waitUntil(
    `${field} is at version ${version}`,
    async () => {
      const page = await reader.readLog(field, Math.max(0, version - 1), 1);
      return page !== undefined && page.version >= version;
    },
    longTimeout,
  );
}

export async function waitForCache(backing: Backing, field: FieldId, version: number): Promise<void> {
  await waitUntil(
    `the cache of ${field} is at version ${version}`,
    async () => (await readCachedVersion(backing, field)) === version,
  );
}

/** The version of the cached copy; undefined when there is none. */
export async function readCachedVersion({ cache }: Pick<Backing, 'cache'>, field: FieldId) {
  const cursor = await cache.readCursor(field);
  return cursor && versionOf(cursor);
}

/** The updates in a page of the log, without erasures and what those have left. */
export function listUpdates(page: LogPage | undefined) {
  return (page?.updates ?? []).flatMap((entry) => ('update' in entry ? [entry] : []));
}

/** The cursor of a version in the field's log. @throws when the log does not have it */
export async function readCursorAt({ db }: Pick<Backing, 'db'>, field: FieldId, version: number): Promise<Cursor> {
  const row = await db('field_updates').select('hash').where({ field_id: field, version }).first();
  if (!row) throw new Error(`the log of ${field} has no version ${version}`);
  return formatCursor(version, row.hash);
}
