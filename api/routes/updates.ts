/** `POST /api/fields/:field/updates`: takes updates in, and waits for their results if the client prefers to. */
import { z } from 'zod';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { Config } from '../../shared/config/config.ts';
import { acceptedSchema, appliedSchema } from '../../shared/contract/receipt.ts';
import { createUpdatesSchema } from '../../shared/contract/update.ts';
import { maxRequestBytes } from '../../shared/contract/wire.ts';
import type { Backlog } from '../admission/admission-control.ts';
import { admitWhileThereIsRoom } from '../admission/admission-hook.ts';
import { claimsOf, type Guard, writerOf } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import { parseWait } from '../http/prefer-header.ts';
import type { KnownVersions } from '../state/latest-versions.ts';
import type { AcceptUpdates } from '../updates/accept-updates.ts';
import type { Replies } from '../updates/pending-replies.ts';
import { waitUntilApplied } from '../updates/wait-until-applied.ts';
import { bearer, fieldParams, problems } from './schemas.ts';

interface UpdateRoutesDeps {
  readonly config: Config;
  readonly guard: Guard;
  readonly backlog: Backlog;
  readonly acceptUpdates: AcceptUpdates;
  readonly replies: Replies;
  readonly reader: FieldReader;
  readonly versions: KnownVersions;
}

export function addUpdateRoutes(app: App, deps: UpdateRoutesDeps): void {
  const { config, guard, backlog, acceptUpdates, replies, reader, versions } = deps;
  const admit = admitWhileThereIsRoom(backlog);
  const body = z.strictObject({ updates: createUpdatesSchema(config.GRID_SIZE) });
  app.post(
    '/api/fields/:field/updates',
    {
      bodyLimit: maxRequestBytes,
      onRequest: [guard, admit],
      onSend: (request, _reply, _payload, done) => {
        backlog.inHand.give(request);
        done();
      },
      schema: {
        summary: 'Send updates',
        description:
          'Accepted means that they will not be lost. Send them again whenever in doubt: an update is applied once. ' +
          'With `Prefer: wait=SECONDS` (30 at most) the answer is 200 with the results, if they come in time.',
        tags: ['updates'],
        security: bearer,
        params: fieldParams,
        body,
        response: { 200: appliedSchema, 202: acceptedSchema, ...problems },
      },
    },
    async (request, reply) => {
      const { field } = request.params;
      const { updates } = request.body;
      const claims = claimsOf(request);
      const waitSeconds = parseWait(request.headers.prefer);
      if (!waitSeconds) return reply.code(202).send(await acceptUpdates({ field, claims, updates }));

      const deadline = Date.now() + waitSeconds * 1000;
      const waiting = replies.expect();
      try {
        const accepted = await acceptUpdates({ field, claims, updates, replyTo: waiting.address });
        const sent = { field, device: writerOf(claims), updates, sentAt: accepted.serverTime };
        const sources = { replies, reader, log: request.log };
        const applied = await waitUntilApplied(sources, sent, waiting, deadline);
        if (!applied) return reply.code(202).send(accepted);
        versions.note(field, applied.version);
        const { serverTime, adjusted } = accepted;
        return reply
          .code(200)
          .header('preference-applied', `wait=${waitSeconds}`)
          .send({ field, ...applied, serverTime, ...(adjusted ? { adjusted } : {}) });
      } finally {
        waiting.leave();
      }
    },
  );
}
