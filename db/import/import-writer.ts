/** Writes an imported log: the rows of its entries in batches, and at the end everything that is computed from them. */
import type { Knex } from 'knex';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import { computeMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import type { Pseudonyms } from '../../shared/history/pseudonyms.ts';
import { ConflictRow } from '../models/conflict-row.ts';
import { encodeSnapshotColumns } from '../models/snapshot-row.ts';
import { StateRow } from '../models/state-row.ts';
import { markForRepublish } from '../models/unpublished-field.ts';
import type { StoredEntry } from '../models/update-row.ts';
import { archiveAfterBytes, archiveSnapshot } from '../write/write-snapshots.ts';
import { type ImportedLog, ImportRefused } from './imported-log.ts';

const batchEntries = 1000;
const batchCharacters = 2 * 1024 * 1024;

export interface ImportWriterOptions {
  readonly field: FieldId;
  /** Versions between archived snapshots. */
  readonly snapshotEvery: number;
  /** Recognise erased devices; undefined if nothing was ever erased. */
  readonly pseudonyms: Pseudonyms | undefined;
}

const insertSql = `
  INSERT INTO field_updates SELECT * FROM jsonb_populate_recordset(NULL::field_updates, :rows::jsonb)`;
const uniqueViolation = '23505';

export class ImportWriter {
  readonly #trx: Knex.Transaction;
  readonly #options: ImportWriterOptions;
  readonly #log: ImportedLog;
  #rows: string[] = [];
  #writers: { readonly device: DeviceId; readonly counter: number }[] = [];
  #characters = 0;
  #sinceArchive = { versions: 0, characters: 0 };
  #conflicts: Conflict[] = [];
  #conflictCount = 0;
  readonly #used: { readonly device: DeviceId; readonly ranges: string }[] = [];
  #hasErasedEntries = false;

  constructor(trx: Knex.Transaction, log: ImportedLog, options: ImportWriterOptions) {
    this.#trx = trx;
    this.#log = log;
    this.#options = options;
  }

  /** The snapshot at which the log begins. */
  async writeStart(): Promise<void> {
    await archiveSnapshot(this.#trx, this.#log.state);
  }

  addUsed(device: DeviceId, ranges: readonly (readonly [number, number])[]): void {
    const text = ranges.map(([first, last]) => `[${first},${last}]`).join(',');
    this.#used.push({ device, ranges: `{${text}}` });
  }

  /** Adds a conflict that is older than the log. */
  addConflict(conflict: Conflict): void {
    this.#conflictCount += 1;
    this.#conflicts = [...this.#conflicts, conflict].slice(-maxKeptConflicts);
  }

  /** @throws ImportRefused */
  async add(entry: StoredEntry, conflicts: readonly Conflict[]): Promise<void> {
    const row = JSON.stringify(toRow(this.#options.field, entry));
    this.#rows.push(row);
    if ('update' in entry) this.#writers.push({ device: entry.device, counter: entry.update.counter });
    else this.#hasErasedEntries = true;
    if ('erasure' in entry) this.#conflicts = [];
    this.#conflictCount += conflicts.length;
    if (conflicts.length > 0) this.#conflicts = [...this.#conflicts, ...conflicts].slice(-maxKeptConflicts);
    this.#characters += row.length;
    this.#sinceArchive.versions += 1;
    this.#sinceArchive.characters += row.length;
    if (this.#isArchiveDue('erasure' in entry)) {
      await archiveSnapshot(this.#trx, this.#log.state);
      this.#sinceArchive = { versions: 0, characters: 0 };
    }
    if (this.#rows.length >= batchEntries || this.#characters >= batchCharacters) await this.#flush();
  }

  /** @throws ImportRefused */
  async finish(): Promise<void> {
    await this.#flush();
    const { field } = this.#options;
    const { header, state } = this.#log;
    await this.#writeClocks();
    if (this.#conflicts.length > 0) {
      // As a knex query, because Objection would return the rows.
      await ConflictRow.query(this.#trx)
        .insert(this.#conflicts.map((conflict) => ({ fieldId: field, ...conflict })))
        .toKnexQuery();
    }
    const { version, hash, time } = state;
    await StateRow.query(this.#trx)
      .findById(field)
      .patch({
        ...{ version, hash, genesis: header.genesis, logStart: header.oldest, logStartHash: header.oldestHash },
        ...{ snapshotVersion: version, snapshotHash: hash, snapshotTime: time },
        sweptThrough: state.dynamics.sweptThrough,
        conflictCount: Math.max(header.conflicts, this.#conflictCount),
        ...encodeSnapshotColumns(state),
        ...computeMetrics(state),
      });
    if (this.#hasErasedEntries) {
      await this.#trx.raw(
        `UPDATE consciousness_states SET has_erased_counters = true
         WHERE field_id = :field AND EXISTS (SELECT FROM erasures)`,
        { field },
      );
    }
    await markForRepublish(this.#trx, [{ field, version }]);
  }

  #isArchiveDue(isErasure: boolean): boolean {
    if (!this.#log.isFoldable) return false;
    const { versions, characters } = this.#sinceArchive;
    return isErasure || versions >= this.#options.snapshotEvery || characters >= archiveAfterBytes;
  }

  async #flush(): Promise<void> {
    if (this.#rows.length === 0) return;
    await this.#assertNotErased();
    try {
      await this.#trx.raw(insertSql, { rows: `[${this.#rows.join(',')}]` });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== uniqueViolation) throw error;
      throw new ImportRefused('or one of the entries before it uses a counter again', { cause: error });
    }
    this.#rows = [];
    this.#writers = [];
    this.#characters = 0;
  }

  /** Erased data must not come back from a file that is older than the erasure. */
  async #assertNotErased(): Promise<void> {
    const { pseudonyms, field } = this.#options;
    if (!pseudonyms) return;
    const lowest = new Map<string, number>();
    for (const { device, counter } of this.#writers) {
      for (const of of new Set([field, this.#log.header.field])) {
        const pseudonym = pseudonyms.ofWriter(of, device);
        lowest.set(pseudonym, Math.min(counter, lowest.get(pseudonym) ?? counter));
      }
    }
    const rows: { pseudonym: string; counter: number }[] = await this.#trx('erased_counters')
      .whereIn('pseudonym', [...lowest.keys()])
      .select('pseudonym', 'counter');
    if (!rows.some(({ pseudonym, counter }) => (lowest.get(pseudonym) ?? Number.POSITIVE_INFINITY) <= counter)) return;
    throw new ImportRefused('or one of the entries before it was erased in this installation after the export');
  }

  async #writeClocks(): Promise<void> {
    const { field } = this.#options;
    const used = new Map(this.#used.map(({ device, ranges }) => [device, ranges]));
    const clocks = [...this.#log.clock].map(([device, { counter, heardAt }]) => ({
      ...{ field_id: field, device_id: device, counter, heard_at: heardAt },
      pruned: used.get(device) ?? '{}',
    }));
    for (let start = 0; start < clocks.length; start += batchEntries) {
      await this.#trx('vector_clocks').insert(clocks.slice(start, start + batchEntries));
    }
  }
}

function toRow(field: FieldId, entry: StoredEntry) {
  const { version, time, outcome, resolution = null, sweptThrough = null, rules, hash } = entry;
  const header = {
    ...{ field_id: field, version, logged_at: time, outcome, resolution, swept_through: sweptThrough, rules, hash },
  };
  if ('update' in entry) {
    const { device, user = null, update, salt, contentHash = null } = entry;
    const content = { device_id: device, counter: update.counter, user_id: user, update, content_hash: contentHash };
    return { ...header, ...content, salt: contentHash === null ? salt : null };
  }
  if ('erasure' in entry) return { ...header, update: entry.erasure, salt: entry.salt };
  return { ...header, content_hash: entry.contentHash };
}
