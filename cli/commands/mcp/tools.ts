/**
 * The tools of `mcp`: each runs a read-only command with `--json`, so that they read the same with the same settings, and nothing
 * can be changed through them.
 */
import { z } from 'zod';
import { deviceIdSchema, fieldIdSchema, versionSchema } from '../../../shared/contract/ids.ts';
import { boundedText } from '../../../shared/contract/text.ts';
import { maxKeptConflicts } from '../../../shared/contract/wire.ts';
import { foldOutcomes } from '../../../shared/field/fold.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { printConflicts } from '../fields/conflicts.ts';
import { printHistory } from '../fields/history.ts';
import { printSearch } from '../fields/search.ts';
import { printState } from '../fields/state.ts';
import { runDoctor } from '../system/doctor.ts';
import { showStatus } from '../system/status.ts';

interface Tool<Input> {
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodType<Input>;
  readonly run: (input: Input, context: CommandContext) => Promise<void>;
}

/** Rates are computed from two readings of the status. */
const statusIntervalSeconds = 1;
const maxRows = 200;
const maxAgeSeconds = 36_500 * 86_400;
const field = fieldIdSchema.describe('The id of the field');
const limit = (max: number) => z.int().min(1).max(max).default(20).describe('How many at most; the newest first');
const age = z.int().min(1).max(maxAgeSeconds);

const defineTool = <Input>(tool: Tool<Input>): Tool<Input> => tool;

export const tools = [
  defineTool({
    name: 'status',
    description: 'Queues, workers, and the fields with the newest updates.',
    schema: z.strictObject({}),
    run: (_input, context) => showStatus({ once: true, json: true, interval: statusIntervalSeconds }, context),
  }),
  defineTool({
    name: 'doctor',
    description: 'Checks settings, servers, queues, clocks and disk; every finding says how to fix it.',
    schema: z.strictObject({}),
    run: (_input, context) => runDoctor({ json: true }, context),
  }),
  defineTool({
    name: 'state',
    description: 'The state of a field, now or at an earlier version. The summary has no particles and no cells.',
    schema: z.strictObject({
      field,
      at: versionSchema.optional().describe('The version; the current one if it is left out'),
      summary: z.boolean().default(true).describe('Whether to leave out particles and cells'),
    }),
    run: ({ field, at, summary }, context) =>
      printState(field, { ...(at === undefined ? {} : { at }), summary, json: true }, context),
  }),
  defineTool({
    name: 'conflicts',
    description:
      'The newest conflicts of a field: the stored (local) and the incoming (remote) write, and the outcome.',
    schema: z.strictObject({ field, limit: limit(Math.min(maxRows, maxKeptConflicts)) }),
    run: ({ field, limit }, context) => printConflicts(field, { limit, json: true }, context),
  }),
  defineTool({
    name: 'history',
    description: 'Who changed a particle or a cell, what they wrote, and which write was overridden.',
    schema: z.strictObject({
      field,
      target: z.string().min(1).max(200).describe('The id of a particle, or x,y for a cell'),
      limit: limit(maxRows),
    }),
    run: ({ field, target, limit }, context) => printHistory({ field, target }, { limit, json: true }, context),
  }),
  defineTool({
    name: 'search',
    description:
      'Entries of the logs by field, device, user, kind, outcome and time. Without a field all logs are read.',
    schema: z.strictObject({
      field: field.optional(),
      device: deviceIdSchema.optional(),
      user: boundedText(1, 256).optional(),
      kind: z.enum(['cells.set', 'particle.put', 'particle.remove', 'event']).optional(),
      outcome: z.enum(foldOutcomes).optional(),
      sinceSeconds: age.optional().describe('Only those of the last so many seconds'),
      untilSeconds: age.optional().describe('Only those that are older than so many seconds'),
      limit: limit(maxRows),
    }),
    run: ({ sinceSeconds: since, untilSeconds: until, ...search }, context) =>
      printSearch({ ...omitUndefined({ ...search, since, until }), limit: search.limit, json: true }, context),
  }),
];

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function omitUndefined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
