/**
 * Deletes the content of erased entries in batches. Only hashes are left, so that the chain still verifies. Erased devices are
 * removed from the vector clocks in the entries of others. No lock is held between batches; a rerun continues the work.
 * Entries after the erasure keep their content until another erasure follows them, because replays fold them.
 */
import type { Knex } from 'knex';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import { hashContent } from '../../shared/history/entry-hash.ts';
import { type LogEntry, UpdateRow } from '../models/update-row.ts';
import { type Columns, listColumns, unnest } from '../unnest.ts';
import { toBindings } from './erasable.ts';
import type { ErasureSubject } from './subject.ts';

const batchSize = 2000;

const wipedColumns = { version: 'bigint', content_hash: 'text' } as const satisfies Columns;
const redactedColumns = { ...wipedColumns, update: 'jsonb' } as const satisfies Columns;

const setSql = (assignments: string, columns: Columns) => `
  UPDATE field_updates entry
  SET content_hash = coalesce(entry.content_hash, new.content_hash), salt = NULL, ${assignments}
  FROM :rows AS new (${listColumns(columns)})
  WHERE entry.field_id = :field AND entry.version = new.version`;

const wipeSql = setSql('device_id = NULL, counter = NULL, user_id = NULL, update = NULL', wipedColumns);
const redactSql = setSql('update = new.update', redactedColumns);

/** @returns how many entries lost their content, and how many entries of others a part of it */
export async function wipeEntries(
  db: Knex,
  field: FieldId,
  { subject, erasedAt }: { readonly subject: ErasureSubject; readonly erasedAt: number },
  onBatch: (wiped: number) => void,
): Promise<{ entries: number; mentions: number }> {
  const [devices, users] = [new Set<string>(subject.devices), new Set(subject.users)];
  const counts = { entries: 0, mentions: 0 };
  for (let after = 0; ; ) {
    const rows = await findRows(db, field, subject, after);
    const entries = rows.flatMap((row) => {
      const entry = row.toStoredEntry();
      return 'update' in entry ? [entry] : [];
    });
    const isTheirs = ({ device, user }: LogEntry) => devices.has(device) || (user !== undefined && users.has(user));
    const erased = entries.filter((entry) => isTheirs(entry) && entry.version < erasedAt);
    const mentioning = entries.filter((entry) => !isTheirs(entry));
    await write(db, field, wipeSql, unnest(db, wipedColumns, erased.map(toWipedColumns)));
    await write(
      db,
      field,
      redactSql,
      unnest(
        db,
        redactedColumns,
        mentioning.map((entry) => ({ ...toWipedColumns(entry), update: withoutDevices(entry.update, devices) })),
      ),
    );
    counts.entries += erased.length;
    counts.mentions += mentioning.length;
    onBatch(erased.length);
    const last = rows.at(-1);
    if (!last || rows.length < batchSize) return counts;
    after = last.version;
  }
}

async function findRows(db: Knex, field: FieldId, subject: ErasureSubject, after: number): Promise<UpdateRow[]> {
  const { users, devices } = toBindings(subject);
  return UpdateRow.query(db)
    .where('field_id', field)
    .where('version', '>', after)
    .whereNotNull('device_id')
    .whereRaw(`(device_id = ANY(:devices) OR user_id = ANY(:users) OR jsonb_exists_any(update->'clock', :devices))`, {
      users,
      devices,
    })
    .orderBy('version')
    .limit(batchSize);
}

async function write(db: Knex, field: FieldId, sql: string, rows: Knex.Raw): Promise<void> {
  await db.raw(sql, { field, rows });
}

function toWipedColumns(entry: LogEntry) {
  return { version: entry.version, content_hash: entry.contentHash ?? hashContent(entry) };
}

function withoutDevices({ clock = {}, ...update }: Update, devices: ReadonlySet<string>): Update {
  const others = Object.entries(clock).filter(([device]) => !devices.has(device));
  return others.length > 0 ? { ...update, clock: Object.fromEntries(others) } : update;
}
