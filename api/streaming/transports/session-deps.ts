/** What the sessions of both transports share: their collaborators, and the request that opened the stream. */
import type { VerifyToken } from '../../../shared/auth/jwt.ts';
import type { Config } from '../../../shared/config/config.ts';
import type { Claims } from '../../../shared/contract/token.ts';
import type { Cursor } from '../../../shared/field/cursor.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Region } from '../../../shared/field/math/region.ts';
import type { ApiMetrics } from '../../metrics.ts';
import type { Presence } from '../../presence/presence.ts';
import type { RateLimits } from '../../rate-limits/rate-limits.ts';
import type { ServerClock } from '../../server-clock.ts';
import type { AcceptMessage } from '../../updates/accept-updates.ts';
import type { StreamHub } from '../stream-hub.ts';
import type { StreamRegistry } from './stream-registry.ts';
import type { TurnBudget } from './turn-budget.ts';
import type { UnhandledBytes } from './unhandled-bytes.ts';

export interface SessionDeps {
  readonly config: Config;
  readonly hub: StreamHub;
  readonly presence: Pick<Presence, 'join'>;
  readonly streams: StreamRegistry;
  readonly verifyToken: VerifyToken;
  readonly acceptMessage: AcceptMessage;
  readonly metrics: ApiMetrics;
  readonly clock: Pick<ServerClock, 'now'>;
  readonly limits: Pick<RateLimits, 'updates' | 'reads'>;
  /** Shared by all sockets of the process. */
  readonly turns: TurnBudget;
  readonly unhandled: UnhandledBytes;
}

/** The request that opened a stream, after authorization. */
export interface StreamRequest {
  readonly field: FieldId;
  readonly claims: Claims;
  readonly ip: string;
  /** The cursor that the client already has; undefined for none. */
  readonly after: Cursor | undefined;
  /** Undefined for the whole field. */
  readonly region: Region | undefined;
}
