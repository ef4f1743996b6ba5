/** `GET /api/fields`: lists the fields that a token may read. */
import type { FieldsPage } from '../../db/read/pages/fields-page.ts';
import { fieldsPageSchema } from '../../shared/contract/state.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { type Guard, requireClaims } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import { queryOrUnavailable } from '../state/state-reader.ts';
import { bearer, fieldsQuery, problems } from './schemas.ts';

interface FieldsRoutesDeps {
  readonly guard: Guard;
  readonly listFields: (range: {
    readonly patterns: readonly string[];
    readonly after?: FieldId | undefined;
    readonly limit: number;
  }) => Promise<FieldsPage>;
}

export function addFieldsRoutes(app: App, { guard, listFields }: FieldsRoutesDeps): void {
  app.get(
    '/api/fields',
    {
      onRequest: guard,
      schema: {
        operationId: 'listFields',
        summary: 'List fields',
        description:
          'The fields with updates that the token may read, in the order of their ids. `particles` and `cells` are those of the ' +
          'stored snapshot, which may be some seconds old. `next` is there if there are more: continue with `?after=` it.',
        tags: ['reading'],
        security: bearer,
        querystring: fieldsQuery,
        response: { 200: fieldsPageSchema, ...problems },
      },
    },
    async (request, reply) => {
      const { fields: patterns } = requireClaims(request);
      const { fields, next } = await queryOrUnavailable(() => listFields({ ...request.query, patterns }));
      return reply.send(next === undefined ? { fields } : { fields, next });
    },
  );
}
