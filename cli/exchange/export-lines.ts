/** The lines of an exported log or state, read from PostgreSQL as they are consumed. */
import type { Knex } from 'knex';
import { readExportPages, readLogStart, readUsedCounters } from '../../db/read/export/export-log.ts';
import { createFieldReader } from '../../db/read/field-reader.ts';
import { type StateFragments, toFragments } from '../../shared/cache/state-fragments.ts';
import { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';

const stateFormat = 'field-state-1';

export interface ExportProgress {
  /** How many entries, or particles and cells, have been read, and the total. */
  done: number;
  total: number;
  /** The version at which the export ends. */
  version: number;
}

/** Yields several lines at a time. @throws FieldError `field_not_found` or `version_not_kept` */
export async function* exportLog(db: Knex, field: FieldId, progress: ExportProgress): AsyncGenerator<string> {
  const { header, snapshot } = await readLogStart(db, field);
  const { oldest } = header;
  Object.assign(progress, { version: header.version, total: header.version - oldest });
  yield toLine(header);
  if (snapshot) {
    const { hash: _, ...content } = snapshot;
    yield toLine({ snapshot: content });
  }
  for await (const clock of readUsedCounters(db, field)) yield toLine(clock);
  let hash = header.oldestHash;
  for await (const { entries, until } of readExportPages(db, { field, after: oldest, until: header.version })) {
    hash = entries.at(-1)?.hash ?? hash;
    progress.done += entries.length;
    Object.assign(progress, { version: until, total: until - oldest });
    yield entries.map(toLine).join('');
  }
  yield toLine({ end: progress.version, hash, entries: progress.done });
}

/** A state is bounded, so it is read at once. @throws FieldError `field_not_found` */
export async function* exportState(db: Knex, field: FieldId, progress: ExportProgress): AsyncGenerator<string> {
  const state = await createFieldReader(db).loadState(field);
  if (!state) throw new FieldError('field_not_found');
  const { version, cursor, header, particles, cells }: StateFragments = toFragments(state);
  const { metrics, maxTimestamp, quantumFields } = header;
  Object.assign(progress, { version, total: particles.length + cells.length });
  yield toLine({ format: stateFormat, field, version, cursor, maxTimestamp, ...metrics, quantumFields });
  for (const { json } of particles) {
    progress.done += 1;
    yield `{"particle":${json}}\n`;
  }
  for (const { cell, json } of cells) {
    const [x, y] = cell.split(',').map(Number);
    progress.done += 1;
    yield `{"cell":{"x":${x},"y":${y},"value":${json}}}\n`;
  }
  yield toLine({ end: version, particles: particles.length, cells: cells.length });
}

function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
