/** The results of updates, read back from the log: what the worker answered, or would have. */
import type { Knex } from 'knex';
import type { Receipt, UpdateResult } from '../../shared/contract/receipt.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import { isSamePayload } from '../../shared/updates/same-payload.ts';
import { type FoundReceipt, findReceipts, type UpdateRef } from './receipts.ts';

/** Updates of one device that were accepted together. */
export interface SentUpdates {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly updates: readonly Update[];
  /** In ms, by a server's clock. */
  readonly sentAt: number;
}

/** The receipt of one update; without version and outcome once its log entry has been pruned. */
export async function readReceipt(db: Knex, { field, device, counter }: UpdateRef): Promise<Receipt> {
  const [found] = await findReceipts(db, [{ field, device, counter }]);
  const ref = { field, device, counter };
  if (!found?.entry) return { ...ref, status: found?.isPruned ? 'applied' : 'unknown' };
  const { update: _update, time: _time, ...result } = found.entry;
  return { ...ref, status: 'applied', ...result };
}

/** The results in the order of the updates, and the highest of their versions; undefined while any is unknown. */
export async function readResults(
  db: Knex,
  sent: SentUpdates,
): Promise<{ version: number; results: UpdateResult[] } | undefined> {
  const { field, device, updates } = sent;
  const refs = updates.map(({ counter }) => ({ field, device, counter }));
  const found = await findReceipts(db, refs);
  if (found.some(({ entry, isPruned }) => !entry && !isPruned)) return undefined;
  const version = Math.max(0, ...found.map(({ entry }) => entry?.version ?? 0));
  return { version, results: updates.map((update, index) => toUpdateResult(update, found[index]?.entry, sent.sentAt)) };
}

/** The log may have the update from an earlier request (`duplicate`), or another one under its counter (`reused`). */
function toUpdateResult(update: Update, entry: FoundReceipt['entry'], sentAt: number): UpdateResult {
  const { counter } = update;
  if (!entry) return { counter, outcome: 'duplicate', version: 0 };
  const { version, time, update: logged, ...outcome } = entry;
  if (!isSamePayload(logged, update)) return { counter, outcome: 'reused', version };
  if (time < sentAt) return { counter, outcome: 'duplicate', version };
  return { counter, version, ...outcome };
}
