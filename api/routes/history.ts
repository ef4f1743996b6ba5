/** Reads of a field that only PostgreSQL can serve: its log, receipts, conflicts and vector clock. */
import type { FieldReader } from '../../db/read/field-reader.ts';
import { toPublicEntry } from '../../db/read/log/public-entry.ts';
import type { Config } from '../../shared/config/config.ts';
import { receiptSchema } from '../../shared/contract/receipt.ts';
import { clockSchema, conflictsSchema, createLogPageSchema } from '../../shared/contract/state.ts';
import { FieldError } from '../../shared/errors.ts';
import { versionOf } from '../../shared/field/cursor.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import type { Guard } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import { assertLogReaches } from '../history/assert-log-reaches.ts';
import { queryOrUnavailable } from '../state/state-reader.ts';
import {
  bearer,
  clockQuery,
  conflictsQuery,
  fieldParams,
  formatConflictPlace,
  logQuery,
  problems,
  receiptParams,
} from './schemas.ts';

interface HistoryRoutesDeps {
  readonly config: Config;
  readonly guard: Guard;
  readonly reader: FieldReader;
}

export function addHistoryRoutes(app: App, { config, guard, reader }: HistoryRoutesDeps): void {
  const sharedSchema = { tags: ['reading'], security: bearer };

  app.get(
    '/api/fields/:field/updates',
    {
      onRequest: guard,
      schema: {
        ...sharedSchema,
        operationId: 'readLog',
        summary: 'Read the log after a version or a cursor',
        description:
          'A page ends at `limit` entries or at about 1 MiB. There are more entries if its last version is below `version`.',
        params: fieldParams,
        querystring: logQuery,
        response: { 200: createLogPageSchema(config.GRID_SIZE), ...problems },
      },
    },
    async (request, reply) => {
      const { field } = request.params;
      const { after, limit } = request.query;
      const start = typeof after === 'string' ? versionOf(after) : after;
      const page = await queryOrUnavailable(() => reader.readLog(field, start, limit));
      if (!page) throw new FieldError('field_not_found');
      await assertLogReaches(reader, page, { field, after });
      const { version, logStart: oldest } = page;
      const updates = page.updates.map(toPublicEntry);
      return reply.send({ field, version, oldest, updates });
    },
  );

  app.get(
    '/api/fields/:field/updates/:device/:counter',
    {
      onRequest: guard,
      schema: {
        ...sharedSchema,
        operationId: 'readReceipt',
        summary: 'Read the receipt of an update',
        description:
          '`applied` without a version if the log entry has been deleted, `unknown` if the update was never applied.',
        params: receiptParams,
        response: { 200: receiptSchema, ...problems },
      },
    },
    async (request, reply) => {
      const { field, device, counter } = request.params;
      return reply.send(await queryOrUnavailable(() => reader.readReceipt(field, device, counter)));
    },
  );

  app.get(
    '/api/fields/:field/conflicts',
    {
      onRequest: guard,
      schema: {
        ...sharedSchema,
        operationId: 'listConflicts',
        summary: 'Read the newest conflicts',
        description: 'The newest first. `next` is there if there are more: continue with `?before=` it.',
        params: fieldParams,
        querystring: conflictsQuery,
        response: { 200: conflictsSchema, ...problems },
      },
    },
    async (request, reply) => {
      const { field } = request.params;
      const { before, limit } = request.query;
      const found = await queryOrUnavailable(() => reader.readConflicts(field, { before, limit }));
      if (!found) throw new FieldError('field_not_found');
      const { total, conflicts, next } = found;
      const page = { field, total, conflicts: conflicts.map(toConflictResponse) };
      return reply.send(next ? { ...page, next: formatConflictPlace(next) } : page);
    },
  );

  app.get(
    '/api/fields/:field/clock',
    {
      onRequest: guard,
      schema: {
        ...sharedSchema,
        operationId: 'readClock',
        summary: 'Read the vector clock',
        description:
          '`?device=` returns one entry: the counter above which the device must number its updates. Otherwise the devices are ' +
          'in the order of their ids, and `next` is there if there are more: continue with `?after=` it.',
        params: fieldParams,
        querystring: clockQuery,
        response: { 200: clockSchema, ...problems },
      },
    },
    async (request, reply) => {
      const { field } = request.params;
      const found = await queryOrUnavailable(() => reader.readClock(field, request.query));
      if (!found) throw new FieldError('field_not_found');
      const { next, ...page } = found;
      return reply.send({ field, ...page, ...(next === undefined ? {} : { next }) });
    },
  );
}

/** Converts values that are objects to the open record of the response schema. */
function toConflictResponse({ local, remote, ...conflict }: Conflict) {
  return { ...conflict, local: toConflictingWriteResponse(local), remote: toConflictingWriteResponse(remote) };
}

function toConflictingWriteResponse({ value, ...write }: Conflict['local']) {
  return { ...write, value: typeof value === 'object' && value !== null ? { ...value } : value };
}
