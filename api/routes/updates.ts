/** `POST /api/fields/:field/updates`: accepts updates, and waits for their results if the client prefers to. */
import { z } from 'zod';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { Config } from '../../shared/config/config.ts';
import type { ReplyAddress } from '../../shared/contract/job.ts';
import { acceptedSchema, appliedSchema } from '../../shared/contract/receipt.ts';
import { createUpdatesSchema } from '../../shared/contract/update.ts';
import { maxRequestBytes } from '../../shared/contract/wire.ts';
import type { AdmissionControl } from '../admission/admission-control.ts';
import { createAdmissionHook } from '../admission/admission-hook.ts';
import { type Guard, requireWriter } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import { parseWait, prefersLowPriority } from '../http/prefer-header.ts';
import { compileUnlessBody } from '../plugins/error-handler.ts';
import type { ServerClock } from '../server-clock.ts';
import type { LatestVersions } from '../state/latest-versions.ts';
import type { AcceptUpdates } from '../updates/accept-updates.ts';
import type { PendingReplies } from '../updates/pending-replies.ts';
import { waitUntilApplied } from '../updates/wait-until-applied.ts';
import { createUpdatesBodyValidator } from '../validation/validate-updates.ts';
import { bearer, fieldParams, problems } from './schemas.ts';

interface UpdateRoutesDeps {
  readonly config: Config;
  /** Requires the scope `field:write`. */
  readonly guard: Guard;
  readonly admission: AdmissionControl;
  readonly acceptUpdates: AcceptUpdates;
  readonly replies: PendingReplies;
  readonly reader: FieldReader;
  readonly versions: LatestVersions;
  readonly clock: Pick<ServerClock, 'now'>;
}

export function addUpdateRoutes(app: App, deps: UpdateRoutesDeps): void {
  const { config, guard, admission, acceptUpdates, replies, reader, versions, clock } = deps;
  const admit = createAdmissionHook(admission);
  // The schema documents the route; `validateBody` accepts the same, at a bounded cost.
  const body = z.strictObject({ updates: createUpdatesSchema(config.GRID_SIZE) });
  const validateBody = createUpdatesBodyValidator(config.GRID_SIZE);
  app.post(
    '/api/fields/:field/updates',
    {
      bodyLimit: maxRequestBytes,
      onRequest: [guard, admit],
      validatorCompiler: compileUnlessBody,
      preHandler: async (request) => {
        request.body = await validateBody(request.body);
      },
      onSend: (request, _reply, _payload, done) => {
        admission.inFlight.release(request);
        done();
      },
      schema: {
        operationId: 'sendUpdates',
        summary: 'Send updates',
        description:
          'Accepted updates are never lost. When in doubt, send them again: an update is applied once. ' +
          'With `Prefer: wait=SECONDS` (30 at most) the response is 200 with the results if they are known in time. ' +
          'With `Prefer: priority=low` the updates wait while others do.',
        tags: ['updates'],
        security: bearer,
        params: fieldParams,
        body,
        response: { 200: appliedSchema, 202: acceptedSchema, ...problems },
      },
    },
    async (request, reply) => {
      const { updates } = request.body;
      const writer = requireWriter(request);
      const waitSeconds = parseWait(request.headers.prefer);
      const isLowPriority = prefersLowPriority(request.headers.prefer);
      if (isLowPriority) {
        admission.assertLowPriorityCapacity();
        reply.header('preference-applied', 'priority=low');
      }
      const accept = async (replyTo?: ReplyAddress) => {
        const accepted = await acceptUpdates({ writer, updates, isLowPriority, request: request.id, replyTo });
        request.acceptedCounters = [updates[0]?.counter ?? 0, updates.at(-1)?.counter ?? 0];
        return accepted;
      };
      if (!waitSeconds) return reply.code(202).send(await accept());

      const deadline = performance.now() + waitSeconds * 1000;
      const pendingReply = replies.open();
      try {
        const accepted = await accept(pendingReply.address);
        // The updates are in the queue. A request that only waits for results must not keep others from being admitted.
        admission.inFlight.release(request);
        const { field, device } = writer;
        const sent = { field, device, updates, sentAt: accepted.serverTime };
        const deps = { replies, reader, versions, log: request.log };
        const applied = await waitUntilApplied(deps, { sent, pendingReply, deadline });
        // Devices correct their clocks by the time of the response, not by that of the acceptance.
        const serverTime = clock.now();
        if (!applied) return reply.code(202).send({ ...accepted, serverTime });
        const { adjusted } = accepted;
        return reply
          .code(200)
          .header('preference-applied', `wait=${waitSeconds}${isLowPriority ? ', priority=low' : ''}`)
          .send({ field, ...applied, serverTime, ...(adjusted ? { adjusted } : {}) });
      } finally {
        pendingReply.close();
      }
    },
  );
}
