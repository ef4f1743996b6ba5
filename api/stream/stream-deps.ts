/** What both kinds of streams are made of. */
import type { Config } from '../../shared/config.ts';
import type { Claims } from '../../shared/contract/token.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { VerifyToken } from '../../shared/tokens.ts';
import type { AcceptUpdates } from '../accept-updates.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { Presence } from '../presence.ts';
import type { FieldHub } from './field-hub.ts';
import type { OpenStreams } from './open-streams.ts';

export interface StreamDeps {
  readonly config: Config;
  readonly hub: FieldHub;
  readonly presence: Presence;
  readonly streams: OpenStreams;
  readonly verifyToken: VerifyToken;
  readonly acceptUpdates: AcceptUpdates;
  readonly metrics: ApiMetrics;
}

/** What a reader asked for, and may. */
export interface StreamRequest {
  readonly field: FieldId;
  readonly claims: Claims;
  readonly after: number | undefined;
}

/** Whom presence counts: the device, or the user of a token without one. */
export function presentAs({ device, sub }: Claims): string {
  return device ?? `user:${sub}`;
}
