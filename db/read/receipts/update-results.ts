/** The results of updates, read from the log: the same as a worker's answer. */
import type { Knex } from 'knex';
import type { Receipt, UpdateResult } from '../../../shared/contract/messages.ts';
import { type Cursor, formatCursor } from '../../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import { cursorOf } from '../../../shared/field/state.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import type { Pseudonyms } from '../../../shared/history/pseudonyms.ts';
import { isSamePayload } from '../../../shared/updates/same-payload.ts';
import { StateRow } from '../../models/state-row.ts';
import { type FoundReceipt, findReceipts, type UpdateRef } from './find-receipts.ts';

/** Updates of one device that were accepted together. */
export interface SentUpdates {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly updates: readonly SentUpdate[];
  /** In ms, by a server's clock. */
  readonly sentAt: number;
}

/** The receipt of one update; without version and outcome once its log entry has been pruned or erased. */
export async function readReceipt(
  db: Knex,
  { field, device, counter }: UpdateRef,
  pseudonyms: Pseudonyms | undefined,
): Promise<Receipt> {
  const [found] = await findReceipts(db, [{ field, device, counter }], pseudonyms);
  const ref = { field, device, counter };
  if (!found?.entry) return { ...ref, status: found?.isPruned ? 'applied' : 'unknown' };
  const { version, hash, outcome, resolution } = found.entry;
  const result = { version, cursor: formatCursor(version, hash), outcome, ...(resolution ? { resolution } : {}) };
  return { ...ref, status: 'applied', ...result };
}

/** The results in the order of the updates, and the field's position; undefined while any is unknown. */
export async function readResults(
  db: Knex,
  sent: SentUpdates,
  pseudonyms: Pseudonyms | undefined,
): Promise<{ version: number; cursor: Cursor; results: UpdateResult[] } | undefined> {
  const { field, device, updates } = sent;
  const refs = updates.map(({ counter }) => ({ field, device, counter }));
  const found = await findReceipts(db, refs, pseudonyms);
  if (found.some(({ entry, isPruned }) => !entry && !isPruned)) return undefined;
  // Read after the receipts, so that it is not before any of them.
  const position = await StateRow.query(db).select('version', 'hash').findById(field).throwIfNotFound();
  const { version } = position;
  const cursor = cursorOf(position);
  const results = updates.map((update, index) =>
    toUpdateResult(update, found[index]?.entry, { version, cursor, sentAt: sent.sentAt }),
  );
  return { version, cursor, results };
}

/** The log may have the update from an earlier request (`duplicate`), or another one under its counter (`reused`). */
function toUpdateResult(
  update: SentUpdate,
  entry: FoundReceipt['entry'],
  { sentAt, ...position }: { version: number; cursor: Cursor; sentAt: number },
): UpdateResult {
  const { counter } = update;
  if (!entry) return { counter, outcome: 'expired', ...position };
  const { version, hash, time, update: logged, ...outcome } = entry;
  const cursor = formatCursor(version, hash);
  if (!isSamePayload(logged, update)) return { counter, outcome: 'reused', version, cursor };
  if (time < sentAt) return { counter, outcome: 'duplicate', version, cursor };
  return { counter, version, cursor, ...outcome };
}
