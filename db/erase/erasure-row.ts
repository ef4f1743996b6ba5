/** `erasures`: who requested each erasure, and what it erased. Erased users, devices and fields appear as pseudonyms. */
import type { Knex } from 'knex';
import { z } from 'zod';
import { Row } from '../models/row.ts';

const erasureKinds = ['user', 'device', 'field'] as const;
export type ErasureKind = (typeof erasureKinds)[number];

/** What is kept of an erasure in the database and beside the backups. */
export const erasureRecordSchema = z.strictObject({
  id: z.uuid(),
  kind: z.enum(erasureKinds),
  /** A pseudonym. */
  subject: z.string(),
  /** The pseudonyms of the devices that were erased entirely. */
  devices: z.array(z.string()),
  /** Identifies the key that the pseudonyms were made with. */
  keyCheck: z.string(),
  requestedBy: z.string(),
  requestedAt: z.coerce.date(),
});
export type ErasureRecord = z.infer<typeof erasureRecordSchema>;

/** How many rows, registers and jobs were erased. */
export type ErasureCounts = Readonly<Record<string, number>>;

const erasureSchema = erasureRecordSchema.extend({
  finishedAt: z.date().nullable(),
  counts: z.record(z.string(), z.number()),
});

export interface ErasureRow extends z.infer<typeof erasureSchema> {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Objection defines the columns at run time.
export class ErasureRow extends Row {
  static override readonly tableName = 'erasures';
  static override readonly idColumn = 'id';
  static override readonly jsonAttributes = ['counts'];
  static override readonly schema = erasureSchema;

  toRecord(): ErasureRecord {
    const { id, kind, subject, devices, keyCheck, requestedBy, requestedAt } = this;
    return { id, kind, subject, devices, keyCheck, requestedBy, requestedAt };
  }
}

/** Records an erasure as unfinished, or adds the devices to an unfinished one. */
export async function recordErasure(db: Knex, record: ErasureRecord): Promise<void> {
  const row = { ...record, finishedAt: null, counts: {} };
  await ErasureRow.query(db).insert(row).onConflict('id').merge(['devices']);
}

export async function finishErasure(db: Knex, id: string, counts: ErasureCounts): Promise<void> {
  await ErasureRow.query(db).findById(id).patch({ finishedAt: new Date(), counts });
}

/** The oldest first. */
export async function listErasures(db: Knex): Promise<ErasureRow[]> {
  return ErasureRow.query(db).orderBy(['requested_at', 'id']);
}

export async function findUnfinished(
  db: Knex,
  { kind, subject }: Pick<ErasureRecord, 'kind' | 'subject'>,
): Promise<ErasureRow | undefined> {
  return ErasureRow.query(db).where({ kind, subject }).whereNull('finished_at').first();
}
