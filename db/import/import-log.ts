/**
 * Imports an exported log into a field without updates, in one transaction: a part of a log would be a field with a wrong state
 * that devices could write to. Until the commit, workers do not write to the field, and readers see it empty.
 */
import type { Knex } from 'knex';
import type { ClockLine, LogHeader } from '../../shared/exchange/log-lines.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import type { StoredSnapshot } from '../../shared/field/snapshot.ts';
import { StateRow } from '../models/state-row.ts';
import type { StoredEntry } from '../models/update-row.ts';
import { createFields } from '../write/create-fields.ts';
import { lockFields } from '../write/lock-fields.ts';
import { ImportedLog, ImportRefused } from './imported-log.ts';

export { ImportRefused };

import { ImportWriter, type ImportWriterOptions } from './import-writer.ts';

/** A line after the header, validated. */
export type ImportLine =
  | { readonly kind: 'snapshot'; readonly snapshot: Omit<StoredSnapshot, 'hash'> }
  | { readonly kind: 'clock'; readonly clock: ClockLine }
  | { readonly kind: 'entry'; readonly entry: StoredEntry }
  | { readonly kind: 'conflict'; readonly conflict: Conflict }
  | { readonly kind: 'end'; readonly end: { readonly end: number; readonly hash: string; readonly entries: number } };

interface ImportOptions extends Omit<ImportWriterOptions, 'field'> {
  readonly header: LogHeader;
  readonly lines: AsyncIterable<ImportLine>;
  readonly onVersion: (version: number) => void;
}

interface ImportResult {
  readonly version: number;
  readonly hash: string;
  readonly entries: number;
}

/** @throws ImportRefused about the line that was read last; nothing is then changed */
export async function importLog(db: Knex, field: FieldId, options: ImportOptions): Promise<ImportResult> {
  const { header, pseudonyms } = options;
  const log = new ImportedLog(header, field);
  const isNew = (await StateRow.query(db).findById(field).select('field_id')) === undefined;
  // In a transaction of its own, because everyone else who creates the field would otherwise wait for the whole import.
  await createFields(db, [field], pseudonyms);
  try {
    return await importInto(db, field, log, options);
  } catch (error) {
    if (isNew) await StateRow.query(db).delete().where({ field_id: field, version: 0 });
    throw error;
  }
}

async function importInto(db: Knex, field: FieldId, log: ImportedLog, options: ImportOptions): Promise<ImportResult> {
  const { header, lines, onVersion } = options;
  return db.transaction(async (trx) => {
    const [locked] = await lockFields(trx, [field]);
    if (!locked || locked.version > 0) throw new ImportRefused(describeUsed(field, locked?.version ?? 0));
    const writer = new ImportWriter(trx, log, { ...options, field });
    let isEnded = false;
    for await (const line of lines) {
      if (isEnded) throw new ImportRefused('follows the end');
      isEnded = await addLine(line, log, writer);
      onVersion(log.version);
    }
    if (!isEnded) throw new ImportRefused('is the last one, but not the end: the file was cut');
    await writer.finish();
    const { version, hash } = log.state;
    return { version, hash, entries: version - header.oldest };
  });
}

function describeUsed(field: FieldId, version: number): string {
  return `cannot be imported: ${field} already has ${version} versions, and a log is only imported into an empty field`;
}

/** @returns whether the line was the end */
async function addLine(line: ImportLine, log: ImportedLog, writer: ImportWriter): Promise<boolean> {
  switch (line.kind) {
    case 'snapshot':
      log.start(line.snapshot);
      await writer.writeStart();
      return false;
    case 'clock': {
      const { clock, used, heardAt } = line.clock;
      log.addUsed(clock, used, heardAt);
      writer.addUsed(clock, used);
      return false;
    }
    case 'entry':
      await writer.add(line.entry, log.add(line.entry));
      return false;
    case 'conflict':
      writer.addConflict(line.conflict);
      return false;
    case 'end':
      log.end(line.end);
      return true;
  }
}
