/** What both kinds of streams are made of. */

import type { VerifyToken } from '../../../shared/auth/jwt.ts';
import type { Config } from '../../../shared/config/config.ts';
import type { Claims } from '../../../shared/contract/token.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { ApiMetrics } from '../../metrics.ts';
import type { Presence } from '../../state/presence.ts';
import type { AcceptMessage } from '../../updates/accept-updates.ts';
import type { StreamHub } from '../stream-hub.ts';
import type { StreamRegistry } from './stream-registry.ts';

export interface SessionDeps {
  readonly config: Config;
  readonly hub: StreamHub;
  readonly presence: Presence;
  readonly streams: StreamRegistry;
  readonly verifyToken: VerifyToken;
  readonly acceptUpdates: AcceptMessage;
  readonly metrics: ApiMetrics;
}

/** What a reader asked for, and may. */
export interface StreamRequest {
  readonly field: FieldId;
  readonly claims: Claims;
  readonly after: number | undefined;
}

/** Whom presence counts: the device, or the user of a token without one. */
export function presenceId({ device, sub }: Claims): string {
  return device ?? `user:${sub}`;
}
