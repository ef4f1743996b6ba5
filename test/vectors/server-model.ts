/** One history of a field, and the messages of a stream that follows it. */
import { createHash } from 'node:crypto';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../shared/cache/state-serializer.ts';
import type { DeltaUpdate, ServerMessage, SnapshotReason } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import { foldUpdate } from '../../shared/field/fold.ts';
import { globalField } from '../../shared/field/ids.ts';
import { emptyChangeSet } from '../../shared/field/merge-update.ts';
import { createFieldState, cursorOf, type FieldState } from '../../shared/field/state.ts';
import { viewState } from '../unit/field/support/view-state.ts';
import type { LogLine } from './fold-case.ts';

export interface ServerModel {
  readonly state: FieldState;
  readonly cursor: Cursor;
  /** Folds these entries. @returns the delta that reports all of them */
  commit(...lines: readonly LogLine[]): ServerMessage;
  snapshot(reason: SnapshotReason): ServerMessage;
}

/** @param name of the history, from which its hashes are made */
export function createServerModel(name: string): ServerModel {
  const state = createFieldState(globalField);
  return {
    state,
    get cursor() {
      return cursorOf(state);
    },
    commit(...lines) {
      const from = cursorOf(state);
      const changes = emptyChangeSet();
      const results = lines.map(({ device, update, time }) => {
        const { conflicts, ...result } = foldUpdate(state, device, update, time, changes);
        state.hash = createHash('sha256').update(`${name} ${state.version}`).digest('hex');
        return { conflicts, update: { device, counter: update.counter, ...result } satisfies DeltaUpdate };
      });
      const updates = results.map(({ update }) => update);
      const conflicts = results.flatMap((result) => result.conflicts);
      return JSON.parse(serializeDelta(from, toFragments(state, changes), updates, conflicts)) as ServerMessage;
    },
    snapshot: (reason) => {
      const message = { type: 'snapshot', cursor: cursorOf(state), reason, state: viewState(state) };
      return message as unknown as ServerMessage;
    },
  };
}
