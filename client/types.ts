/**
 * The public interface of the client. Values on the wire have the contract's types, which are imported as types only, so that no
 * schema becomes part of an app's bundle.
 */
import type { ClientMessage, Outcome, ServerMessage, State } from '../shared/contract/messages.ts';
import type { Region } from '../shared/field/math/region.ts';
import type { Conflict, Resolution } from '../shared/field/registers/conflict-record.ts';
import type { CellValue, EventType, ParticleAttributes, SentUpdate, Vector } from '../shared/field/update.ts';

export type { Problem, ServerMessage } from '../shared/contract/messages.ts';
export type { QuantumField } from '../shared/field/dynamics/quantum-field.ts';
export type { Region } from '../shared/field/math/region.ts';
export type { CellValue, EventType, SentUpdate, Vector } from '../shared/field/update.ts';
export type { ParticleView as Particle } from '../shared/field/view.ts';

/**
 * The state of a field. A change creates a new object that shares all unchanged parts with the old one. With a `region`, it has the
 * particles and cells inside the region, and own edits outside it until they are applied.
 */
export type FieldView = State & { readonly region?: Region };

/**
 * The status of the connection to the server.
 * - `connecting`: the first attempt, or the first after an open connection ended
 * - `live`: a stream is open, and changes arrive as they happen
 * - `polling`: no stream can be opened, so the state is read every 2 seconds
 * - `offline`: the server cannot be reached; retried with backoff of at most 30 seconds, or immediately by `wake()`
 * - `refused`: the server rejects the token or the device's access to the field; retried about every 30 seconds
 * - `closed`: not started, or closed
 */
export type Status = 'offline' | 'connecting' | 'live' | 'polling' | 'refused' | 'closed';

/** How the client receives changes. */
export type TransportName = 'websocket' | 'polling';

/**
 * The status of one own update.
 * - `queued`: stored on the device, not yet accepted by the server
 * - `accepted`: stored by the server, not yet applied
 * - `applied`: part of the field's log, at `version`. If the server loses it, by a failover or by a restore of its
 *   database, the entry becomes `queued` again
 * - `conflict`: also part of the log, but there was a concurrent write; `resolution` says which value was kept (this update
 *   is the `remote` side)
 * - `refused`: the server can never apply it, for `reason`; it stays in the outbox until `discard`, and does not delay other updates
 */
export type EntryStatus = 'queued' | 'accepted' | 'applied' | 'conflict' | 'refused';

/** One own update. Immutable: a change of its status creates a new entry with the same `key`. */
export interface OutboxEntry {
  /** Identifies the entry in this outbox. The `counter` does not: it may change until the update is applied. */
  readonly key: string;
  /** The update's number among all updates of this device to the field. */
  readonly counter: number;
  readonly update: SentUpdate;
  readonly status: EntryStatus;
  /** The server's result, once the update is `applied` or in `conflict`. */
  readonly outcome?: Outcome;
  /** The version of the field that first contains the update. */
  readonly version?: number;
  readonly resolution?: Resolution;
  /** The server's explanation of why it refused the update. */
  readonly reason?: string;
}

/** A conflict as the server records it. `local` is the stored value, `remote` that of the incoming update. */
export interface FieldConflict extends Conflict {
  /** The side whose value was kept; `both` for a particle with attributes from both sides. */
  readonly winner: 'local' | 'remote' | 'both';
  /** The side that this device wrote; undefined when other devices wrote both. */
  readonly own: 'local' | 'remote' | undefined;
}

/**
 * A problem that the client handles without losing updates, such as a failed request that is retried. For logs
 * and for messages to the user.
 */
export interface ClientProblem {
  /**
   * A code of the server's error table, or one of the client's:
   * - `network`: a request failed
   * - `timeout`: the server did not respond in time
   * - `cors_blocked`: the server does not allow pages of this origin: add the origin to its `CORS_ORIGINS`
   * - `unexpected_response`: the response is not from the API: check `url`; or the network has a captive portal
   * - `storage`: writing to the storage failed; updates are sent, but do not survive the end of the app
   * - `storage_unreadable`: the outbox could not be read; nothing is stored until the app is restarted
   * - `storage_damaged`: a stored value was damaged, and was dropped
   * - `state_not_stored`: there is no space for the copy of the state
   * - `other_account`: updates of another account wait in the storage until it signs in again
   * - `token_timeout`: `getToken` has not answered for 30 seconds; it is called again
   * - `expired`: the server rejected the token; provide a valid one
   * - `forbidden`: the token gives no access to the field
   * - `counters_skipped`: the storage is older than the device, for example restored from a backup
   * - `history_changed`: the server has, or may have, lost updates that it had confirmed; those of the last ten minutes are sent
   *   again
   * - `unknown`: an error that was thrown by the app's own functions, such as `getToken`
   */
  readonly code: string;
  readonly message: string;
}

/** The events of a client by name, with what listeners receive. */
export interface ClientEvents {
  /** The state has changed: at most one event for each message of the server and each own update. */
  readonly state: FieldView;
  /** The status of the connection has changed. */
  readonly status: Status;
  /** An own update was added, or its status has changed. */
  readonly update: OutboxEntry;
  /** Two devices wrote the same value concurrently. */
  readonly conflict: FieldConflict;
  /** A message of the server, after it was applied to the state: for example to animate single changes. */
  readonly message: ServerMessage;
  /** Something went wrong and is being retried or worked around. */
  readonly problem: ClientProblem;
}

/** A vector whose `z` may be left out; it is then 0. */
export type PositionInput = Pick<Vector, 'x' | 'y'> & Partial<Vector>;
/** The attributes of a particle to set. Attributes that are left out keep their values. */
export interface ParticleInput extends Omit<ParticleAttributes, 'position' | 'velocity'> {
  readonly position?: PositionInput;
  readonly velocity?: PositionInput;
}

/**
 * A client of one field. Updates are applied to `state` immediately, stored, and sent when the server can be reached.
 */
export interface FieldClient {
  /**
   * Loads the storage and connects. Resolves when the storage has been read; updates may be made before that. A client that
   * was closed may be started again. Rejects when another running client of the field uses the storage.
   */
  start(): Promise<void>;
  /** Disconnects, and stores what is not stored yet. Unsent updates are sent after the next `start()`, in this process or a later one. */
  close(): Promise<void>;
  /**
   * Reconnects without waiting, and checks that an open connection is alive. Call it when the app comes to the foreground or
   * the network returns; in browsers this happens automatically.
   */
  wake(): void;
  /** Calls `getToken` again and reconnects with its token. Call it when somebody has signed in or out. */
  renewToken(): void;

  /** Whether the storage has been read. */
  readonly isLoaded: boolean;
  /** The newest problem; undefined again when the client is connected, or an update was applied. */
  readonly problem: ClientProblem | undefined;
  /** The server's state with all pending own updates applied. */
  readonly state: FieldView;
  readonly status: Status;
  /** The transport in use while the status is `live` or `polling`. */
  readonly transport: TransportName | undefined;
  /** From the token or the storage; undefined until a new device is registered. */
  readonly deviceId: string | undefined;
  /** The own updates in sending order: those that the server's state is not known to contain, and refused ones. */
  readonly outbox: readonly OutboxEntry[];
  /** The number of own updates that are `queued` or `accepted`. */
  readonly pending: number;
  /** The latest 50 conflicts since the client was created, the newest first. */
  readonly conflicts: readonly FieldConflict[];

  /**
   * Creates a particle or changes attributes of one: `putParticle(id, { ...particle, content })` for a particle of the state writes
   * only what differs from it. Like the methods below, it throws a TypeError with the code `invalid_update` if no server would
   * accept the update; nothing is changed then. A field keeps at most 1,000 particles and 4 MiB of them (128 bytes each, and the
   * UTF-8 bytes of id, content and connections); above that, those with the oldest writes are evicted.
   */
  putParticle(id: string, attributes: ParticleInput): OutboxEntry;
  /** Removes a particle, if there is one with this id. */
  removeParticle(id: string): OutboxEntry;
  /** Sets the values of cells. */
  setCells(cells: readonly CellValue[]): OutboxEntry;
  /**
   * Sends an event.
   * @param intensity 0 to 1; the default depends on the type
   */
  emit(type: EventType, intensity?: number): OutboxEntry;

  /**
   * Watches another part of the field from now on, or all of it with `null`. The state changes when the server has sent that part;
   * `state.region` says which part the state covers.
   * @throws TypeError for an invalid region
   */
  setRegion(region: Region | null): void;

  /** Resolves to the entry when its status is `applied`, `conflict` or `refused`. */
  settled(entry: OutboxEntry): Promise<OutboxEntry>;
  /** Removes a refused update from the outbox. Does nothing for other updates. */
  discard(entry: OutboxEntry): void;
  /**
   * Sends a GET request for another resource of the field, with this client's token: `read('/conflicts')`, `read('?at=12')`.
   * @param path appended to the field's URL
   * @throws RequestError when the server responds with an error, or not at all
   */
  read<Answer>(path: string): Promise<Answer>;
  /**
   * A valid token of this client, with which the app can call other routes of the API: the list of fields, or tokens for viewers.
   * @throws RequestError when registering fails, or whatever `getToken` of the options throws
   */
  getToken(): Promise<string>;
  /** Sends a message of the protocol over the stream. @returns false unless a stream is open that can send messages */
  sendMessage(message: ClientMessage): boolean;

  /**
   * Adds a listener.
   * @returns a function that removes it
   */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void;
}
