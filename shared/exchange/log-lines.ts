/**
 * The lines of a log that was exported as NDJSON: a header, the snapshot at which the log begins if older entries were deleted, the
 * counters of deleted entries, the entries in the order of their versions, and an end. A file without the end is truncated.
 */
import { z } from 'zod';
import {
  counterSchema,
  deviceIdSchema,
  deviceKeySchema,
  fieldIdSchema,
  timeSchema,
  versionSchema,
} from '../contract/ids.ts';
import { outcomeSchema, resolutionSchema } from '../contract/receipt.ts';
import { boundedText } from '../contract/text.ts';
import { createUpdateSchema } from '../contract/update.ts';
import { rulesVersion } from '../field/rules.ts';
import { createSnapshotSchema } from './snapshot-schema.ts';

export const logFormat = 'field-log-1';

const hashSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex');
/** Above the limit for devices, since logs of earlier versions have more entries. */
const maxStoredClockEntries = 4096;

const headerSchema = z.strictObject({
  format: z.literal(logFormat),
  field: fieldIdSchema,
  /** The id from which the hash of version 0 is computed. */
  genesis: z.uuid(),
  /** The version and the hash at which the log ends, unless entries were erased during the export. */
  version: versionSchema.min(1),
  hash: hashSchema,
  /** The version after which the log begins, and its hash. */
  oldest: versionSchema,
  oldestHash: hashSchema,
  /** How many conflicts there have ever been. */
  conflicts: z.int().min(0),
});
export type LogHeader = z.infer<typeof headerSchema>;

/** The counters of a device whose entries were deleted, as ranges with both ends. */
const clockSchema = z.strictObject({
  clock: deviceIdSchema,
  heardAt: timeSchema,
  used: z.array(z.tuple([counterSchema, counterSchema])).min(1),
});
export type ClockLine = z.infer<typeof clockSchema>;

const endSchema = z.strictObject({ end: versionSchema, hash: hashSchema, entries: z.int().min(0) });

const rulesSchema = z
  .int()
  .min(1)
  .refine(
    (rules) => rules <= rulesVersion,
    `is a version of the rules that this version of the software does not know; its own is ${rulesVersion}`,
  );

const entryHeader = {
  version: versionSchema.min(1),
  hash: hashSchema,
  time: timeSchema,
  outcome: outcomeSchema,
  resolution: resolutionSchema.optional(),
  sweptThrough: versionSchema.optional(),
};
const entryContent = { rules: rulesSchema, salt: boundedText(0, 100) };

const storedClockSchema = z
  .record(deviceKeySchema, z.int().min(0))
  .refine((clock) => Object.keys(clock).length <= maxStoredClockEntries, 'has too many entries');

/** An update as the log stores it: complete, and with a version in `seen`. */
function createStoredUpdateSchema(gridSize: number) {
  const sent = createUpdateSchema(gridSize);
  return z.record(z.string(), z.unknown()).superRefine(({ clock, ...update }, context) => {
    const results = [sent.safeParse(update), storedClockSchema.optional().safeParse(clock)];
    for (const { error } of results) for (const issue of error?.issues ?? []) context.addIssue({ ...issue });
    if (!Number.isSafeInteger(update.seen)) context.addIssue({ code: 'custom', message: 'seen must be a version' });
  });
}

/** The schemas of the lines after the header. */
export function createLogLineSchemas(gridSize: number) {
  const update = z.strictObject({
    ...entryHeader,
    ...entryContent,
    /** Empty if a part of the content was erased. */
    salt: entryContent.salt,
    user: boundedText(0, 8192).optional(),
    device: deviceIdSchema,
    update: createStoredUpdateSchema(gridSize),
    contentHash: hashSchema.optional(),
  });
  const erasure = z.strictObject({
    ...entryHeader,
    ...entryContent,
    erasure: z.strictObject({
      id: z.uuid(),
      from: versionSchema,
      versions: z.array(z.tuple([versionSchema, versionSchema])),
      state: createSnapshotSchema(gridSize),
    }),
  });
  const erased = z.strictObject({ ...entryHeader, rules: rulesSchema, contentHash: hashSchema });
  const snapshot = z.strictObject({ snapshot: createSnapshotSchema(gridSize) });
  return { header: headerSchema, snapshot, clock: clockSchema, update, erasure, erased, end: endSchema };
}

export type LogLineKind = keyof ReturnType<typeof createLogLineSchemas>;

/** The kind of a line, by the property that only this kind has; the line is not validated. */
export function findLineKind(line: object): LogLineKind | undefined {
  // An update as a device sends it, not an exported one.
  if ('device' in line && !('version' in line)) return undefined;
  if ('format' in line) return 'header';
  if ('snapshot' in line) return 'snapshot';
  if ('end' in line) return 'end';
  // In an update, `clock` would be an object.
  if ('clock' in line && typeof line.clock === 'string') return 'clock';
  if (!('version' in line)) return undefined;
  if ('update' in line) return 'update';
  if ('erasure' in line) return 'erasure';
  return 'contentHash' in line ? 'erased' : undefined;
}
