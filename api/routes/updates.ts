/** `POST /api/fields/:field/updates`: takes updates in, and waits for their results if the client prefers to. */
import { z } from 'zod';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { Config } from '../../shared/config/config.ts';
import { acceptedSchema, appliedSchema } from '../../shared/contract/receipt.ts';
import { createUpdatesSchema } from '../../shared/contract/update.ts';
import { maxRequestBytes } from '../../shared/contract/wire.ts';
import type { AdmissionControl } from '../admission/admission-control.ts';
import { createAdmissionHook } from '../admission/admission-hook.ts';
import { type Guard, requireClaims, requireDevice } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import { parseWait } from '../http/prefer-header.ts';
import type { LatestVersions } from '../state/latest-versions.ts';
import type { AcceptUpdates } from '../updates/accept-updates.ts';
import type { PendingReplies } from '../updates/pending-replies.ts';
import { waitUntilApplied } from '../updates/wait-until-applied.ts';
import { bearer, fieldParams, problems } from './schemas.ts';

interface UpdateRoutesDeps {
  readonly config: Config;
  readonly guard: Guard;
  readonly admission: AdmissionControl;
  readonly acceptUpdates: AcceptUpdates;
  readonly replies: PendingReplies;
  readonly reader: FieldReader;
  readonly versions: LatestVersions;
}

export function addUpdateRoutes(app: App, deps: UpdateRoutesDeps): void {
  const { config, guard, admission, acceptUpdates, replies, reader, versions } = deps;
  const admit = createAdmissionHook(admission);
  const body = z.strictObject({ updates: createUpdatesSchema(config.GRID_SIZE) });
  app.post(
    '/api/fields/:field/updates',
    {
      bodyLimit: maxRequestBytes,
      onRequest: [guard, admit],
      onSend: (request, _reply, _payload, done) => {
        admission.inFlight.release(request);
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
      const claims = requireClaims(request);
      const waitSeconds = parseWait(request.headers.prefer);
      if (!waitSeconds) return reply.code(202).send(await acceptUpdates({ field, claims, updates }));

      const deadline = Date.now() + waitSeconds * 1000;
      const pendingReply = replies.open();
      try {
        const accepted = await acceptUpdates({ field, claims, updates, replyTo: pendingReply.address });
        const sent = { field, device: requireDevice(claims), updates, sentAt: accepted.serverTime };
        const waitDeps = { replies, reader, log: request.log };
        const applied = await waitUntilApplied(waitDeps, sent, pendingReply, deadline);
        if (!applied) return reply.code(202).send(accepted);
        versions.observe(field, applied.version);
        const { serverTime, adjusted } = accepted;
        return reply
          .code(200)
          .header('preference-applied', `wait=${waitSeconds}`)
          .send({ field, ...applied, serverTime, ...(adjusted ? { adjusted } : {}) });
      } finally {
        pendingReply.close();
      }
    },
  );
}
