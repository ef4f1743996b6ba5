/** The messages between the tabs of a browser. Each goes to every tab; `to` names the only one that handles it. */
import type { ClientMessage, PresenceChange, ServerMessage } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { Region } from '../../shared/field/math/region.ts';
import type { ClientProblem, FieldConflict, FieldView, OutboxEntry, Status, TransportName } from '../types.ts';
import type { UpdateContent } from '../updates/update-content.ts';

/** An edit in flight from a tab to the leader. */
export interface Edit {
  /** `<tab>.<number>`: the same however often it is sent, so that it is added once. */
  readonly key: string;
  readonly content: UpdateContent;
  /** The cursor of the state that it was made on. */
  readonly seen: Cursor;
  /** The device's wall clock when it was made, in ms. */
  readonly createdAt: number;
  /** The account of the tokens at that time, if it was known. */
  readonly account: string | undefined;
}

export interface PublishedEntry {
  readonly entry: OutboxEntry;
  /** Whether the server's state contains it, so that it is not applied on top. */
  readonly isContained: boolean;
}

/** Small values, all of which are sent when any of them has changed. */
export interface Facts {
  readonly status: Status;
  readonly transport: TransportName | undefined;
  readonly deviceId: string | undefined;
  readonly account: string | undefined;
  readonly problem: ClientProblem | undefined;
  /** The part of the field that is watched. */
  readonly region: Region | undefined;
  /** Terms of leaders that may still store edits sent to them, which must not be sent to another leader. */
  readonly openTerms: readonly number[];
}

/** Every leader has a term, which is higher than all before. Its messages about the state are numbered. */
export type LeaderMessage =
  | {
      readonly type: 'state';
      readonly term: number;
      readonly sequence: number;
      readonly to: string | undefined;
      readonly facts: Facts;
      readonly state: FieldView;
      readonly outbox: readonly PublishedEntry[];
      readonly conflicts: readonly FieldConflict[];
      readonly presence: PresenceChange;
    }
  | {
      readonly type: 'change';
      readonly term: number;
      readonly sequence: number;
      readonly facts: Facts | undefined;
      /** The server's message that caused the change. */
      readonly message: ServerMessage | undefined;
      readonly entries: readonly PublishedEntry[];
      /** The keys of entries that have left the outbox. */
      readonly removed: readonly string[];
      /** Results of updates that have left it since. */
      readonly settled: readonly OutboxEntry[];
      readonly conflicts: readonly FieldConflict[];
      readonly problems: readonly ClientProblem[];
    }
  /** These edits are stored. The entries are results of updates that have left the outbox. */
  | { readonly type: 'stored'; readonly keys: readonly string[]; readonly settled: readonly OutboxEntry[] }
  | { readonly type: 'answer'; readonly to: string; readonly id: number; readonly answer: Answer }
  | { readonly type: 'alive'; readonly term: number; readonly sequence: number };

export type StateMessage = Extract<LeaderMessage, { type: 'state' }>;
export type ChangeMessage = Extract<LeaderMessage, { type: 'change' }>;

/** Reads the token of the leader's client. No resource of a field has this path. */
export const tokenPath = '#token';

/** The response to a `read` request. */
export type Answer = { readonly body: unknown } | { readonly error: RemoteError };
interface RemoteError {
  readonly code: string;
  readonly message: string;
  readonly status: number;
  readonly retryAfterMs: number;
}

export type TabMessage =
  | {
      readonly type: 'hello';
      readonly tab: string;
      readonly inbox: number;
      /** Whether the tab has missed a message, or has just started. */
      readonly needsState: boolean;
    }
  /** Checks whether a leader is running. */
  | { readonly type: 'ping' }
  | { readonly type: 'edits'; readonly term: number; readonly edits: readonly Edit[] }
  /** Requests the results of updates that are no longer in the outbox. */
  | { readonly type: 'find'; readonly keys: readonly string[] }
  | { readonly type: 'discard'; readonly key: string }
  /** A message to the server. */
  | { readonly type: 'send'; readonly message: ClientMessage }
  | { readonly type: 'read'; readonly tab: string; readonly id: number; readonly path: string }
  | { readonly type: 'region'; readonly region: Region | null }
  | { readonly type: 'wake' }
  | { readonly type: 'renew-token' };
