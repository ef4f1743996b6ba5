/** `erase`: shows what an erasure of a user, a device or a field would erase, and erases it. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { readRecords } from '../../db/backup/records/records-file.ts';
import { type ErasureKind, type ErasureRecord, findUnfinished } from '../../db/erase/erasure-row.ts';
import { type ErasurePreview, previewErasure } from '../../db/erase/preview-erasure.ts';
import { ErasureIncompleteError, runErasure } from '../../db/erase/run-erasure.ts';
import {
  type ErasureSubject,
  listFieldsOf,
  mergeSubjects,
  subjectOfDevice,
  subjectOfField,
  subjectOfRecord,
  subjectOfUser,
} from '../../db/erase/subject.ts';
import { vacuumErased } from '../../db/erase/vacuum.ts';
import { findErasureKeyProblem } from '../../db/read/settings/erasure-key.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { createPseudonyms, type Pseudonyms } from '../../shared/history/pseudonyms.ts';
import { findOperator, recordActions } from '../backends/record-action.ts';
import { withDatabase } from '../backends/with-database.ts';
import type { CommandContext } from '../context/command-context.ts';
import { CliError } from '../errors/cli-error.ts';
import { readSettings } from '../input/read-settings.ts';
import { renderTable } from '../output/render-table.ts';
import { formatCount } from '../text/format-numbers.ts';
import { applyRecords, requireKey } from './apply-records.ts';
import { type ErasureSettings, erasureSettings, withErasureDeps } from './erasure-deps.ts';

export interface EraseOptions {
  readonly user?: string;
  readonly device?: DeviceId;
  readonly field?: FieldId;
  readonly recorded?: boolean;
  readonly yes?: boolean;
  readonly by?: string;
  readonly json?: boolean;
}

/** Finding the devices of a user visits the whole log. */
const statementTimeoutMs = 3_600_000;

export async function erase(options: EraseOptions, context: CommandContext): Promise<void> {
  const target = parseTarget(options);
  const optional = ['DATABASE_DIRECT_URL', 'ERASURE_KEY'] as const;
  if (!options.yes && target !== 'recorded') {
    const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
    return withDatabase(DATABASE_URL, (db) => printPreview(db, target, options, context), { statementTimeoutMs });
  }
  if (!options.yes) throw new CliError('usage', '--recorded erases data: confirm it with --yes.');
  const settings = readSettings(erasureSettings, context, optional);
  const pseudonyms = createPseudonyms(settings.ERASURE_KEY);
  if (target !== 'recorded') requireKey(pseudonyms);
  await withDatabase(settings.DATABASE_URL, (db) => eraseWith({ db, pseudonyms, settings, target, options }, context), {
    statementTimeoutMs,
  });
}

type Target = { readonly kind: ErasureKind; readonly id: string };

/** @throws CliError `usage` unless exactly one target is named */
function parseTarget({ user, device, field, recorded }: EraseOptions): Target | 'recorded' {
  const named = Object.entries({ user, device, field }).filter(([, id]) => id !== undefined);
  const [first] = named;
  if (named.length === 0 && recorded) return 'recorded';
  if (named.length === 1 && first?.[1] && !recorded) return { kind: first[0] as ErasureKind, id: first[1] };
  throw new CliError('usage', 'Name one of --user, --device and --field, or --recorded.');
}

async function findSubject(db: Knex, { kind, id }: Target): Promise<ErasureSubject> {
  if (kind === 'field') return subjectOfField(id as FieldId);
  return kind === 'device' ? subjectOfDevice(id as DeviceId) : subjectOfUser(db, id);
}

async function printPreview(db: Knex, target: Target, { json }: EraseOptions, context: CommandContext): Promise<void> {
  const subject = await findSubject(db, target);
  const previews: ErasurePreview[] = [];
  for (const field of await listFieldsOf(db, subject)) previews.push(await previewErasure(db, field, subject));
  const { devices, sharedDevices } = subject;
  if (json) return context.print(JSON.stringify({ erased: false, devices, sharedDevices, fields: previews }));
  const head = ['field', 'log entries', 'registers', 'conflicts', 'clocks'];
  const rows = previews.map(({ field, entries, registers, conflicts, clocks }) => [
    field,
    ...[entries, registers, conflicts, clocks].map(formatCount),
  ]);
  if (rows.length > 0) context.print(renderTable([head, ...rows]));
  if (devices.length > 0) context.print(`Devices, with everything that they have: ${devices.join(', ')}`);
  if (sharedDevices.length > 0) context.print(`Devices that others use too: ${sharedDevices.join(', ')}`);
  context.print(
    'Jobs in the queues and copies in the cache are erased too. Nothing was erased: confirm it with --yes.',
  );
}

interface EraseWork {
  readonly db: Knex;
  readonly pseudonyms: Pseudonyms | undefined;
  readonly settings: ErasureSettings;
  readonly target: Target | 'recorded';
  readonly options: EraseOptions;
}

async function eraseWith(work: EraseWork, context: CommandContext): Promise<void> {
  const { db, pseudonyms, settings, target, options } = work;
  const problem = await findErasureKeyProblem(db, pseudonyms);
  if (problem) throw new CliError('usage', `${problem}.`);
  const signal = context.catchShutdownSignals();
  const startedAt = performance.now();
  const result = await withErasureDeps(db, settings, context, signal, async ({ deps, deleteTraces }) => {
    if (target === 'recorded') return applyRecords(db, await readRecords(deps.recordsFolder), pseudonyms, deps);
    const key = requireKey(pseudonyms);
    const { record, subject } = await openRecord(db, target, key, options.by ?? findOperator());
    // The record of actions cannot be changed later, so it does not name them either.
    await recordActions(db, [{ action: 'erase', target: target.kind, details: { id: record.id } }]);
    const counts = await runErasure({ ...deps, db, pseudonyms: key }, record, subject);
    await deleteTraces({ ...subject, ...(target.kind === 'user' ? { users: [target.id] } : {}) });
    return { id: record.id, ...counts };
  }).catch((cause: unknown) => {
    throw explain(cause, signal);
  });
  await vacuumErased(db);
  const seconds = (performance.now() - startedAt) / 1000;
  if (options.json) return context.print(JSON.stringify({ erased: true, ...result, seconds }));
  for (const [name, value] of Object.entries(result)) context.print(`${name}: ${value}`);
  context.print(`${seconds.toFixed(1)} s. Older backups still have it; a restore erases it again (docs/erasure.md).`);
}

/** Continues an unfinished erasure of the same subject, or begins one. */
async function openRecord(db: Knex, { kind, id }: Target, pseudonyms: Pseudonyms, requestedBy: string) {
  const subject = await findSubject(db, { kind, id });
  const pseudonym = {
    user: () => pseudonyms.ofUser(id),
    device: () => pseudonyms.ofDevice(id),
    field: () => pseudonyms.ofField(id as FieldId),
  }[kind]();
  const unfinished = await findUnfinished(db, { kind, subject: pseudonym });
  if (unfinished) {
    const record = unfinished.toRecord();
    // The entries that show which devices belong to the user may already be erased.
    const recorded = await subjectOfRecord(db, record, pseudonyms);
    return { record, subject: kind === 'field' ? subject : mergeSubjects(subject, recorded) };
  }
  const record: ErasureRecord = {
    id: randomUUID(),
    kind,
    subject: pseudonym,
    devices: [],
    keyCheck: pseudonyms.keyCheck,
    requestedBy,
    requestedAt: new Date(),
  };
  return { record, subject };
}

function explain(error: unknown, signal: AbortSignal): unknown {
  const hint = 'Run the same command again to continue.';
  if (signal.aborted) return new CliError('stopped', 'Stopped before everything was erased.', { hint, cause: error });
  if (!(error instanceof ErasureIncompleteError)) return error;
  return new CliError('negative', `Not everything is erased: ${error.message}.`, {
    hint: `Revoke their tokens with \`npx consciousness-field token revoke\`. ${hint}`,
    cause: error,
  });
}
