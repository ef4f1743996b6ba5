/**
 * Erases a subject from the database and from the queues: appends an erasure to the log of each field, then deletes the content
 * in batches. Repeats until nothing is left, because updates may be applied meanwhile. Can be interrupted at any point and rerun.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Pseudonyms } from '../../shared/history/pseudonyms.ts';
import { type PurgeableQueue, type PurgedJobs, purgeJobs } from '../../shared/queue/purge-jobs.ts';
import { createFields } from '../write/create-fields.ts';
import { type AppendedErasure, appendErasure, findLastErasure } from './append-erasure.ts';
import { deleteField } from './delete-field.ts';
import { type ErasureCounts, type ErasureRecord, finishErasure, recordErasure } from './erasure-row.ts';
import {
  addQueuedDevices,
  type ErasureSubject,
  listFieldsOf,
  listStartedFields,
  mergeSubjects,
  subjectOfUser,
} from './subject.ts';
import { wipeEntries } from './wipe-entries.ts';

export interface ErasureDeps {
  readonly db: Knex;
  readonly pseudonyms: Pseudonyms;
  /** All queues in which updates may wait. */
  readonly queues: readonly PurgeableQueue[];
  /** Called before anything is erased, to write the record beside the backups. */
  readonly onRecorded: () => Promise<void>;
  /** Called after each erasure that was appended to a log, for caches and watchers. */
  readonly onAppended: (appended: AppendedErasure) => Promise<void>;
  /** Called when a field was deleted. */
  readonly onDeleted: (field: FieldId) => Promise<void>;
  readonly onProgress: (progress: { readonly field: FieldId; readonly entries: number }) => void;
  readonly signal?: AbortSignal;
}

/** Jobs in flight are applied within seconds; those of a dead worker are retried after 20 s. */
const maxRounds = 60;
const retryMs = 1000;

/** Thrown when some data is left, because it keeps being written or processed. */
export class ErasureIncompleteError extends Error {
  override name = 'ErasureIncompleteError';
}

/** @throws ErasureIncompleteError, or `signal.reason` */
export async function runErasure(
  deps: ErasureDeps,
  record: ErasureRecord,
  initial: ErasureSubject,
): Promise<ErasureCounts> {
  const { db, pseudonyms, onRecorded, signal } = deps;
  const counts = new Map<string, number>();
  let subject = initial;
  for (let round = 0; round < maxRounds; round++) {
    signal?.throwIfAborted();
    // Includes devices that the users have begun to use meanwhile.
    for (const user of initial.users) subject = mergeSubjects(await subjectOfUser(db, user), subject);
    await recordErasure(db, { ...record, devices: mergeDevices(record, subject, pseudonyms) });
    await onRecorded();
    const purged = await purgeAll(deps, subject);
    addCounts(counts, { jobs: purged.jobs });
    subject = await addQueuedDevices(db, subject, purged);
    const started = round === 0 ? await listStartedFields(db, record.id) : [];
    const fields = new Set([
      ...(await listFieldsOf(db, subject)),
      ...started,
      ...purged.updates.map(({ field }) => field),
    ]);
    for (const field of fields) await eraseFromField(deps, { field, id: record.id, subject, purged, counts });
    if (fields.size === 0 && purged.jobs === 0 && purged.active === 0) {
      const total = Object.fromEntries(counts);
      await finishErasure(db, record.id, total);
      return total;
    }
    if (fields.size === 0) await delay(retryMs, undefined, signal ? { signal } : {});
  }
  throw new ErasureIncompleteError('updates of those who are to be erased keep arriving, or stay in progress');
}

interface FieldWork {
  readonly field: FieldId;
  readonly id: string;
  readonly subject: ErasureSubject;
  readonly purged: PurgedJobs;
  readonly counts: Map<string, number>;
}

async function eraseFromField(deps: ErasureDeps, { field, id, subject, purged, counts }: FieldWork): Promise<void> {
  const { db, pseudonyms, onAppended, onDeleted, onProgress, signal } = deps;
  const unapplied = subject.field === undefined ? purged.updates.filter((update) => update.field === field) : [];
  if (unapplied.length > 0) await createFields(db, [field], pseudonyms);
  const appended = await appendErasure(db, field, { id, subject, pseudonyms, unapplied });
  if (appended) {
    addCounts(counts, { fields: 1, ...appended.counts });
    await onAppended(appended);
  }
  let entries = 0;
  const onBatch = (done: number) => {
    signal?.throwIfAborted();
    entries += done;
    onProgress({ field, entries });
  };
  if (subject.field === undefined) {
    const erasedAt = await findLastErasure(db, field, id);
    addCounts(counts, await wipeEntries(db, field, { subject, erasedAt }, onBatch));
    return;
  }
  addCounts(counts, { entries: await deleteField(db, field, pseudonyms, onBatch) });
  await onDeleted(field);
}

async function purgeAll({ queues }: ErasureDeps, subject: ErasureSubject): Promise<PurgedJobs> {
  const [users, devices] = [new Set(subject.users), new Set<DeviceId>(subject.devices)];
  const filter = {
    devices,
    isErased: ({ field, device, user }: { field: FieldId; device: DeviceId; user?: string }) =>
      subject.field === undefined
        ? devices.has(device) || (user !== undefined && users.has(user))
        : field === subject.field,
  };
  const all = { jobs: 0, active: 0, updates: [] as PurgedJobs['updates'][number][] };
  for (const queue of queues) {
    const purged = await purgeJobs(queue, filter);
    all.jobs += purged.jobs;
    all.active += purged.active;
    all.updates.push(...purged.updates);
  }
  return all;
}

function mergeDevices({ devices }: ErasureRecord, subject: ErasureSubject, pseudonyms: Pseudonyms): string[] {
  return [...new Set([...devices, ...subject.devices.map((device) => pseudonyms.ofDevice(device))])];
}

function addCounts(counts: Map<string, number>, added: ErasureCounts): void {
  for (const [name, count] of Object.entries(added)) counts.set(name, (counts.get(name) ?? 0) + count);
}
