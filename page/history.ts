/** The field's past: the timeline and the conflicts. Loaded after the first frame, which needs neither. */
import type { FieldClient, FieldConflict, FieldView, OutboxEntry } from '../client/types.ts';
import { type ConflictsDeps, createConflicts } from './conflicts/conflicts.ts';
import { byId } from './dom.ts';
import { retryReads } from './timeline/retry-reads.ts';
import { Timeline } from './timeline/timeline.ts';

export interface HistoryDeps extends Omit<ConflictsDeps, 'onConflict' | 'showNotice'> {
  readonly client: FieldClient;
  /** Called with an earlier state, or with undefined when the current state is shown again. */
  readonly onShow: (past: FieldView | undefined) => void;
  readonly showToast: (text: string) => void;
}

export interface History {
  readonly isShowingPast: boolean;
  /** Adds a conflict that arrived on the stream. */
  addConflict(conflict: FieldConflict): void;
  /** Records an own update in a conflict, whose record may not arrive on the stream. */
  expectConflict(entry: OutboxEntry): void;
  /** To be called with each current state. */
  setCurrent(state: FieldView): void;
  /** Reads what the stream does not send: earlier conflicts, and the oldest version that is still available. @throws RequestError */
  load(): Promise<void>;
}

export function createHistory({ onShow, showToast, ...deps }: HistoryDeps): History {
  const { client } = deps;
  const timeline = new Timeline<FieldView>({
    read: retryReads((path) => client.read(path)),
    onShow,
    onError: (error) => showToast(describeError(error)),
  });
  const conflicts = createConflicts({
    ...deps,
    showNotice: showToast,
    onConflict: (conflict) => timeline.addConflict(conflict),
  });
  byId('timeline', HTMLElement).inert = false;
  return {
    get isShowingPast() {
      return timeline.isShowingPast;
    },
    addConflict: conflicts.add,
    expectConflict: conflicts.expect,
    setCurrent: ({ version, lastUpdate }) => timeline.setVersion(version, lastUpdate),
    async load() {
      await conflicts.load();
      const { oldest } = await client.read<{ oldest: number }>(`/updates?after=${client.state.version}&limit=1`);
      timeline.setOldest(oldest);
    },
  };
}

function describeError(error: unknown): string {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return status === 410
    ? 'That version is no longer available; showing the current state'
    : 'History could not be loaded; showing the current state';
}
