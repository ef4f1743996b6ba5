/**
 * The types of the server's responses and stream messages. Without schemas, so that the client and its type declarations need no
 * zod; the compiler checks the schemas of this folder against them.
 */
import type { ErrorCode, InputError } from '../errors.ts';
import type { Cursor } from '../field/cursor.ts';
import type { Metrics } from '../field/dynamics/field-metrics.ts';
import type { QuantumField } from '../field/dynamics/quantum-field.ts';
import type { FoldOutcome } from '../field/fold.ts';
import type { DeviceId, FieldId } from '../field/ids.ts';
import type { Region } from '../field/math/region.ts';
import type { Conflict, Resolution } from '../field/registers/conflict-record.ts';
import type { SentUpdate } from '../field/update.ts';
import type { Changes, ParticleView } from '../field/view.ts';

/** An error response: RFC 9457 problem details. */
export interface Problem {
  /** A relative reference to the documentation of the code: `/docs/errors#<code>`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail?: string;
  /** Seconds. The same as the header `Retry-After`, which stream messages do not have. */
  readonly retryAfter?: number;
  readonly errors?: readonly InputError[];
}

/**
 * Where an accepted update is stored: Redis with an fsync for every write (`fsync`), every second (`everysec`) or never
 * (`memory`), or PostgreSQL.
 */
export type Durability = 'fsync' | 'everysec' | 'memory' | 'postgres';

/**
 * The result of an update, or why it was not applied again.
 * - `applied`: its values are in the state
 * - `superseded`: newer values were there already
 * - `conflict`: another device wrote the same value concurrently
 * - `duplicate`: the same update had been applied before
 * - `reused`: another update of this device had used its counter
 * - `expired`: the counter was used so long ago that its content cannot be compared any more
 */
export type Outcome = FoldOutcome | 'duplicate' | 'reused' | 'expired';

/** The result of one update. */
export interface UpdateResult {
  readonly counter: number;
  readonly outcome: Outcome;
  /** The version of the field that first contains the update. */
  readonly version: number;
  readonly cursor: Cursor;
  readonly resolution?: Resolution;
}

/** The response to updates that are stored but not applied yet. */
export interface Accepted {
  /** How many updates. */
  readonly accepted: number;
  readonly field: FieldId;
  /** The latest version that the answering process has seen; not the version of these updates. */
  readonly version: number;
  /** In ms since the epoch. */
  readonly serverTime: number;
  readonly durability: Durability;
  /** The counters of updates whose timestamps the server has lowered because they were in the future. */
  readonly adjusted?: readonly number[];
}

/** The response to updates that are applied. */
export interface AppliedResponse {
  readonly field: FieldId;
  readonly version: number;
  readonly cursor: Cursor;
  readonly results: readonly UpdateResult[];
  readonly serverTime: number;
  readonly adjusted?: readonly number[];
}

/** The receipt of one update; without version and outcome once the log no longer has the update. */
export interface Receipt {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly counter: number;
  readonly status: 'applied' | 'unknown';
  readonly version?: number;
  readonly cursor?: Cursor;
  readonly outcome?: Outcome;
  readonly resolution?: Resolution;
}

/** The state of a field without its particles and cells. */
export interface StateSummary extends Metrics {
  readonly field: FieldId;
  /** The number of updates in the field's log. */
  readonly version: number;
  /** The version with its hash, which names this state in one history. */
  readonly cursor: Cursor;
  /** The highest timestamp of any value that was ever written. */
  readonly maxTimestamp: number;
  readonly quantumFields: readonly QuantumField[];
}

/** The state of a field. */
export interface State extends StateSummary {
  readonly memoryParticles: readonly ParticleView[];
  /** The values, 0 to 1, of the cells that were written, by `"x,y"`. */
  readonly cells: Readonly<Record<string, number>>;
}

/** The data that a device shows to others, chosen by the app: a cursor, a name, a colour. At most 1 KiB of JSON. */
export interface PresenceData {
  /** In grid units. In a field with many devices, those near a watcher are shown. */
  readonly position?: { readonly x: number; readonly y: number };
  readonly [key: string]: unknown;
}

export interface PresentDevice {
  readonly device: DeviceId;
  /** Undefined for a device that registered itself. */
  readonly user?: string;
  readonly data?: PresenceData;
  /** When the device joined, or last changed its data, in ms since the epoch. */
  readonly at: number;
}

/** The changes in a field's presence since the last message. */
export interface PresenceChange {
  readonly activeNodes: number;
  /** Present if the devices replace all earlier ones. */
  readonly complete?: true;
  readonly devices: readonly PresentDevice[];
  /** The devices that have left, or are no longer among the nearest. */
  readonly gone?: readonly DeviceId[];
}

/** The messages of clients other than `update`. */
export type ControlMessage =
  | { readonly type: 'ping' }
  | { readonly type: 'presence'; readonly data: PresenceData }
  /** The part of the field to watch from now on; null for all of it. */
  | { readonly type: 'region'; readonly region: Region | null }
  /** A new token, before the last one expires. */
  | { readonly type: 'token'; readonly token: string };
export type ClientMessage = ControlMessage | { readonly type: 'update'; readonly updates: readonly SentUpdate[] };

/** The result of one update in a delta. */
export type DeltaUpdate = Omit<UpdateResult, 'cursor'> & { readonly device: DeviceId };

/**
 * Why a snapshot was sent instead of a delta: it is the first message, the missing part is too long or is not kept, the
 * client has a cursor that the log does not have, or it watches another region than before.
 */
export type SnapshotReason = 'start' | 'gap' | 'unknown-cursor' | 'region';

/** The messages of the server on a stream. */
export type ServerMessage =
  | { readonly type: 'snapshot'; readonly cursor: Cursor; readonly reason: SnapshotReason; readonly state: State }
  | {
      readonly type: 'delta';
      readonly from: Cursor;
      readonly to: Cursor;
      readonly maxTimestamp: number;
      readonly changes: Changes;
      readonly updates: readonly DeltaUpdate[];
      readonly conflicts?: readonly Conflict[];
    }
  | ({ readonly type: 'presence' } & PresenceChange)
  | {
      readonly type: 'accepted';
      readonly counters: readonly number[];
      readonly serverTime: number;
      readonly durability: Durability;
      readonly adjusted?: readonly number[];
    }
  | {
      readonly type: 'error';
      readonly problem: Problem;
      /** The number of the client's message on this socket that was refused: 1 for the first. Absent if the error concerns the stream. */
      readonly messageNumber?: number;
    }
  | { readonly type: 'pong'; readonly serverTime: number }
  /** The server closes the stream; reconnect after `retryAfter` seconds. */
  | { readonly type: 'bye'; readonly reason: string; readonly retryAfter: number };
