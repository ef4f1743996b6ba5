/** `GET /api/fields/:field/export`: the whole log as a stream of lines, for programs that analyse or copy it. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ExportPage, ExportRange } from '../../db/read/export/export-log.ts';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { VerifyToken } from '../../shared/auth/jwt.ts';
import { FieldError } from '../../shared/errors.ts';
import { versionOf } from '../../shared/field/cursor.ts';
import { assertAccess, type Guard, logPagePoints, requireClaims, requireToken } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import { assertLogReaches } from '../history/assert-log-reaches.ts';
import { renderExport } from '../history/export-lines.ts';
import { linesHeaders, sendLines } from '../http/send-lines.ts';
import { createCaller } from '../rate-limits/caller.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';
import { queryOrUnavailable } from '../state/state-reader.ts';
import { bearer, exportQuery, fieldParams, problems } from './schemas.ts';

const exportedLines = {
  description: 'Lines of JSON: a header, the entries of the log, and `end`',
  content: { 'application/x-ndjson': { schema: z.string() } },
};

interface ExportRoutesDeps {
  readonly guard: Guard;
  readonly reader: FieldReader;
  readonly readPages: (range: ExportRange) => AsyncIterable<ExportPage>;
  readonly verifyToken: VerifyToken;
  readonly limits: Pick<RateLimits, 'reads' | 'newStreams' | 'streams'>;
  readonly isStopping: () => boolean;
}

export function addExportRoutes(app: App, deps: ExportRoutesDeps): void {
  const { guard, reader, readPages, verifyToken, limits, isStopping } = deps;
  app.get(
    '/api/fields/:field/export',
    {
      onRequest: guard,
      schema: {
        operationId: 'exportLog',
        summary: 'Export the log',
        description:
          'The log as NDJSON: a header, the entries as `…/updates` has them, and `end`. A response without `end` is incomplete: ' +
          'continue after the cursor of its last entry. It counts as an open stream of the user, and each page costs as much as one of ' +
          '`…/updates`; if the user has no points left, the next page is delayed.',
        tags: ['reading'],
        security: bearer,
        produces: ['application/x-ndjson'],
        params: fieldParams,
        querystring: exportQuery,
        response: { 200: exportedLines, ...problems },
      },
    },
    async (request, reply) => {
      const { field } = request.params;
      const { after } = request.query;
      if (isStopping()) throw new FieldError('shutting_down', { retryAfterSeconds: 1 });
      const page = await queryOrUnavailable(() => reader.readLog(field, 0, 1));
      const cursor = page && (await queryOrUnavailable(() => reader.readCursor(field)));
      if (!page || cursor === undefined || page.version === 0) throw new FieldError('field_not_found');
      if (after !== undefined) await assertLogReaches(reader, page, { field, after });
      const { logStart } = page;
      const answer: FastifyReply = reply;
      answer.headers(linesHeaders);
      if (request.method === 'HEAD') return answer.send('');

      const caller = createCaller(requireClaims(request), request.address);
      const token = requireToken(request);
      const lines = {
        readPages,
        chargePage: () => limits.reads.consume(caller, logPagePoints),
        assertAllowed: async () => {
          if (isStopping()) throw new FieldError('shutting_down');
          assertAccess(await verifyToken(token), 'field:read', field);
        },
      };
      const first = after === undefined ? logStart : versionOf(after);
      const range = { field, cursor, logStart, after: first, until: versionOf(cursor) };
      return sendLines(answer, {
        ...{ limits, caller, endedEarly: 'export ended early' },
        render: (signal) => renderExport({ ...lines, signal }, range),
      });
    },
  );
}
