import t from 'tap';
import { createFieldState } from '../../../shared/field/state.ts';
import { type ApplyOptions, applyJobs, findUnresolvedCursors } from '../../../workers/commit/apply-updates.ts';
import { CursorWindow } from '../../../workers/commit/cursor-window.ts';
import type { HotField } from '../../../workers/commit/hot-field-cache.ts';
import { ReorderWindow } from '../../../workers/commit/reorder-window.ts';
import { asDevice, asField, jobOf, setCell } from '../../support/updates.ts';

const field = asField('field');
const [alice, bob] = [asDevice('alice'), asDevice('bob')];
const windowSize = 1024;
const now = 1_700_000_000_000;
const nothing: Omit<ApplyOptions, 'now'> = { receipts: [], knownCursors: new Set(), mayDefer: true };

t.test(
  'a cursor in the window counts as seen, although updates before it in the same commit move the window on',
  async (t) => {
    const hotField: HotField = {
      state: createFieldState(field),
      clock: new Map(),
      cursors: new CursorWindow(),
      reorderWindow: new ReorderWindow(),
      snapshotVersion: 0,
      snapshotAt: 0,
      archivedVersion: 0,
      bytesSinceSnapshot: 0,
      bytesSinceArchive: 0,
      hasErasedCounters: false,
      erasedCounters: new Map(),
    };
    const updates = Array.from({ length: windowSize }, (_, at) => setCell(at + 1, 0, 0.5));
    const { results } = applyJobs(hotField, [jobOf(field, alice, updates)], { ...nothing, now });
    const oldest = results[0]?.[0]?.cursor;
    if (!oldest) throw new Error('the first update has no cursor');

    const jobs = [
      jobOf(field, alice, [setCell(windowSize + 1, 0, 0.25)]),
      { ...jobOf(field, bob, []), updates: [{ ...setCell(1, 1, 0.5), seen: oldest }] },
    ];
    t.same(findUnresolvedCursors(hotField, jobs), [], 'the log is not asked for it');
    const { commit } = applyJobs(hotField, jobs, { ...nothing, now });
    t.equal(commit.entries.at(-1)?.update.seen, 1);
  },
);
