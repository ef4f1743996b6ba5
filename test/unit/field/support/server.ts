/** A server of one field in memory: like the committer, it drops duplicates and folds all other updates. */
import { type FoldResult, foldUpdate } from '../../../../shared/field/fold.ts';
import { globalField } from '../../../../shared/field/ids.ts';
import { emptyChangeSet } from '../../../../shared/field/merge-update.ts';
import { decodeSnapshot, encodeSnapshot, type FieldSnapshot } from '../../../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../../../shared/field/state.ts';
import type { SentUpdate } from './changes.ts';

export interface Server {
  readonly state: FieldState;
  /** The applied updates in version order. */
  readonly log: readonly SentUpdate[];
  readonly conflicts: number;
  readonly duplicates: number;
  /** Folds an update. Returns undefined for a duplicate. */
  deliver(sent: SentUpdate, time?: number): FoldResult | undefined;
  /** Replaces the state with one that is decoded from its snapshot, as a restarted process does. */
  restart(): void;
}

interface ServerOptions {
  /** If false, the server folds duplicates too, which tests whether the merge itself is idempotent. */
  readonly dropsDuplicates?: boolean;
  /** The state that the server starts with; by default that of a new field. */
  readonly initial?: FieldState;
}

export function createServer({ dropsDuplicates = true, initial }: ServerOptions = {}): Server {
  let state = initial ?? createFieldState(globalField);
  const log: SentUpdate[] = [];
  const applied = new Set<string>();
  let conflicts = 0;
  let duplicates = 0;
  return {
    get state() {
      return state;
    },
    log,
    get conflicts() {
      return conflicts;
    },
    get duplicates() {
      return duplicates;
    },
    deliver(sent, time = log.length) {
      const { device, update } = sent;
      const name = `${device} ${update.counter}`;
      if (dropsDuplicates && applied.has(name)) {
        duplicates += 1;
        return undefined;
      }
      applied.add(name);
      log.push(sent);
      const folded = foldUpdate(state, device, update, time, emptyChangeSet());
      conflicts += folded.conflicts.length;
      return folded;
    },
    restart() {
      const text = JSON.stringify(encodeSnapshot(state));
      state = decodeSnapshot(globalField, JSON.parse(text) as FieldSnapshot);
    },
  };
}

/** Delivers updates to a new server. */
export function applyAll(updates: readonly SentUpdate[]): Server {
  const server = createServer();
  for (const sent of updates) server.deliver(sent);
  return server;
}
