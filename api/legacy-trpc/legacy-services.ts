/** Creates the services of `/api/trpc`, and adds its routes. */
import type { Redis } from 'ioredis';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { RevocationList } from '../../shared/auth/revocation-list.ts';
import type { CacheKeys } from '../../shared/cache/cache-keys.ts';
import type { Config } from '../../shared/config/config.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { AdmissionControl } from '../admission/admission-control.ts';
import type { App } from '../fastify-types.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { Presence } from '../presence/presence.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';
import type { ServerClock } from '../server-clock.ts';
import type { LatestVersions } from '../state/latest-versions.ts';
import type { StateReader } from '../state/state-reader.ts';
import type { AcceptUpdates } from '../updates/accept-updates.ts';
import type { PendingReplies } from '../updates/pending-replies.ts';
import { LegacyDevices } from './legacy-devices.ts';
import { addLegacyRoutes } from './legacy-routes.ts';
import { LegacyStates } from './legacy-state.ts';
import { LegacyWriter } from './legacy-writer.ts';
import { Room64Sessions } from './room64-sessions.ts';

interface LegacyServicesDeps {
  readonly config: Config;
  readonly admission: AdmissionControl;
  /** Must not report the ids that it writes as present, because an app has several. */
  readonly acceptUpdates: AcceptUpdates;
  readonly cacheRedis: Redis;
  readonly clock: ServerClock;
  readonly keys: CacheKeys;
  readonly limits: RateLimits;
  readonly metrics: ApiMetrics;
  readonly presence: Presence;
  readonly reader: FieldReader;
  readonly replies: PendingReplies;
  readonly revocations: RevocationList;
  readonly states: StateReader;
  readonly versions: LatestVersions;
}

export async function addLegacyTrpc(app: App, field: FieldId, deps: LegacyServicesDeps): Promise<void> {
  const { config, admission, acceptUpdates, cacheRedis, clock, keys, limits, metrics } = deps;
  const { presence, reader, replies, revocations, states, versions } = deps;
  // The configuration guarantees that there is one of them.
  const devices = new LegacyDevices({ field, secret: config.JWT_SECRET ?? config.ERASURE_KEY ?? '' });
  await addLegacyRoutes(app, {
    ...{ field, gridSize: config.GRID_SIZE, devices, admission, limits, metrics, presence, reader, clock },
    writer: new LegacyWriter({ field, devices, acceptUpdates, replies, reader, versions, clock, revocations }),
    states: new LegacyStates({ field, states }),
    rooms: new Room64Sessions({ redis: cacheRedis, keys }),
  });
}
