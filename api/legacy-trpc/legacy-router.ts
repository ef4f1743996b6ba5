/** The part of the original's router that concerns the field. Its chat and its examples are not served. */
import { createArchaeologyRouter } from './procedures/archaeology.ts';
import { createEntanglementRouter } from './procedures/entanglement.ts';
import { createFieldRouter } from './procedures/field.ts';
import type { ProcedureDeps } from './procedures/procedure-deps.ts';
import { createRealtimeRouter } from './procedures/realtime.ts';
import { createRoom64Router } from './procedures/room64.ts';
import { createSyncRouter } from './procedures/sync.ts';
import { createRouter } from './trpc.ts';

export type LegacyRouter = ReturnType<typeof createLegacyRouter>;

export function createLegacyRouter(deps: ProcedureDeps) {
  return createRouter({
    consciousness: createRouter({
      field: createFieldRouter(deps),
      sync: createSyncRouter(deps),
      realtime: createRealtimeRouter(deps),
      entanglement: createEntanglementRouter(deps),
      room64: createRoom64Router(deps),
      archaeology: createArchaeologyRouter(deps),
    }),
  });
}
