/**
 * The public interface of the client. Everything that goes over the wire has the types of the contract; they are imported
 * as types alone, so that no schema ends up in an app's bundle.
 */
import type { Outcome } from '../shared/contract/receipt.ts';
import type { State } from '../shared/contract/state.ts';
import type { ServerMessage } from '../shared/contract/stream.ts';
import type { Conflict, Resolution } from '../shared/field/registers/conflict-record.ts';
import type { CellValue, EventType, ParticleAttributes, Update, Vector } from '../shared/field/update.ts';
import type { Storage } from './storage/storage.ts';

type Primitive = string | number | boolean | null | undefined;
export type Immutable<T> = T extends Primitive
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Immutable<Item>[]
    : { readonly [Key in keyof T]: Immutable<T[Key]> };

/** The contract's `State`. Never changed in place: a change makes a new one, which shares what did not change. */
export type FieldView = Immutable<State>;

/**
 * How things stand with the server.
 * - `offline`: not reached; tried again with growing pauses, or at once on `wake()`
 * - `connecting`: on the way there
 * - `live`: a stream is open (`transport` says which)
 * - `polling`: no stream gets through; the state is asked for every few seconds
 * - `refused`: the server knows us not, or does not let us into this field; asked again now and then
 * - `closed`: not started, or closed
 */
export type Status = 'offline' | 'connecting' | 'live' | 'polling' | 'refused' | 'closed';

export type TransportName = 'websocket' | 'polling';

/**
 * How things stand with one update.
 * - `queued`: kept here, to be sent
 * - `accepted`: the server will not lose it
 * - `applied`: it stands in the log, at `version`
 * - `conflict`: the same, but it met a concurrent write; `resolution` says who stands (this update is the `remote` side)
 * - `refused`: it can never be applied, for `reason`; it stays in the outbox until `discard`, and blocks nothing
 */
export type EntryStatus = 'queued' | 'accepted' | 'applied' | 'conflict' | 'refused';

/** One own update. Immutable: a change of its status makes a new entry with the same `key`. */
export interface OutboxEntry {
  /** Its name in this outbox, for as long as it is there. A `counter` may change before the update is first applied. */
  readonly key: string;
  readonly counter: number;
  readonly update: Update;
  readonly status: EntryStatus;
  /** What the server made of it, once it is `applied` or `conflict`. */
  readonly outcome?: Outcome;
  readonly version?: number;
  readonly resolution?: Resolution;
  /** Why it was refused, in the server's words. */
  readonly reason?: string;
}

/** A conflict as the server records it. `local` is what stood, `remote` the update that came. */
export interface FieldConflict extends Conflict {
  /** Whose value stands now; `both` for a particle of which each side kept something. */
  readonly winner: 'local' | 'remote' | 'both';
  /** The side that is this device's; undefined when others met. */
  readonly own: 'local' | 'remote' | undefined;
}

/** Something that went wrong and is being dealt with: nothing is lost by it, but a person may want to know. */
export interface ClientProblem {
  /** A code of the server's error table, or `network`, `storage`, `expired`, `forbidden`, `counters_skipped`, `unknown`. */
  readonly code: string;
  readonly message: string;
}

export interface ClientEvents {
  /** The state has changed; at most one for each message of the server and each own edit. */
  readonly state: FieldView;
  readonly status: Status;
  /** An own update is new, or its status has changed. */
  readonly update: OutboxEntry;
  /** Two devices met, this one or others. */
  readonly conflict: FieldConflict;
  /** Each message of the stream, after it was taken into the state: for what moves on a page. */
  readonly message: ServerMessage;
  readonly problem: ClientProblem;
}

/** A position may leave out `z`. */
export type PositionInput = Pick<Vector, 'x' | 'y'> & Partial<Vector>;
export interface ParticleInput extends Omit<ParticleAttributes, 'position' | 'velocity'> {
  readonly position?: PositionInput;
  readonly velocity?: PositionInput;
}

export interface FieldClient {
  /** Loads what was kept and connects. Resolves when the storage is read; edits may be made before. May follow `close()`. */
  start(): Promise<void>;
  /** Ends the connection and saves. The outbox waits for the next `start()`, in this process or another. */
  close(): Promise<void>;
  /** To be called when the app comes to the front, or the network is back: looks at once whether the stream still lives. */
  wake(): void;

  /** The server's state with the own updates that it does not hold yet, by the server's own rules. */
  readonly state: FieldView;
  readonly status: Status;
  /** What carries the stream while `live` or `polling`. */
  readonly transport: TransportName | undefined;
  /** Once it is known: from the token, or from registering. */
  readonly deviceId: string | undefined;
  /** In the order of sending: all that is not settled, what is settled but not yet to be seen, and what was refused. */
  readonly outbox: readonly OutboxEntry[];
  /** How many updates the server has not applied yet, without those refused. */
  readonly pending: number;
  /** The newest first, at most 50, since the start. */
  readonly conflicts: readonly FieldConflict[];

  putParticle(id: string, attributes: ParticleInput): OutboxEntry;
  removeParticle(id: string): OutboxEntry;
  setCells(cells: readonly CellValue[]): OutboxEntry;
  /** @param intensity 0 to 1; what it defaults to depends on the type */
  emit(type: EventType, intensity?: number): OutboxEntry;

  /** Resolves when the update is `applied`, `conflict` or `refused`. */
  settled(entry: OutboxEntry): Promise<OutboxEntry>;
  /** Forgets a refused update. */
  discard(entry: OutboxEntry): void;
  /**
   * Reads something else of the field, with this client's token: `read('/conflicts')`, `read('?at=12')`.
   * @throws RequestError
   */
  read<Answer>(path: string): Promise<Answer>;

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void;
}

export interface FieldClientOptions {
  /** Of the API, for example `https://field.example.org`. */
  readonly url: string;
  readonly field: string;
  /** A token that names a device. With neither this nor `getToken` the client registers itself, where that is open. */
  readonly token?: string;
  /** Asked for a token at the start, before the last one runs out, and when it was refused. */
  readonly getToken?: () => string | Promise<string>;
  /** Where the outbox, the device's id and the last state are kept; one client at a time. In memory if left out. */
  readonly storage?: Storage;
  /** The id to register with, instead of one that the server makes up. */
  readonly deviceId?: string;
  /** Which ways to follow the field are tried, in this order. Both if left out. */
  readonly transports?: readonly TransportName[];
  /** Called with `wake`: says when the app comes to the front. The browser's own events if left out. */
  readonly wakeOn?: (wake: () => void) => () => void;
  /** The device's wall clock, in ms. */
  readonly clock?: () => number;
  /** 0 to 1, for the pauses between tries. */
  readonly random?: () => number;
  readonly fetch?: typeof globalThis.fetch;
  readonly WebSocket?: SocketConstructor;
}

/** As much of a WebSocket as the client needs: that of browsers, React Native, Node 22, and of the package `ws`. */
export interface SocketLike {
  send(text: string): void;
  close(code?: number): void;
  addEventListener(name: 'open' | 'error', listener: () => void): void;
  addEventListener(name: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(name: 'close', listener: (event: { code: number }) => void): void;
}
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;
