/**
 * Renders the change feed as lines: a header, the changes and, unless the reader follows the feed, an end. A page is read only
 * after the previous one was taken, so a slow reader costs no memory. Every line but the header has the cursor to resume from.
 */
import { describeChange } from '../../db/read/changes/describe-change.ts';
import type { Change, ChangeFeedReader, ChangeFilter } from '../../db/read/changes/read-changes.ts';
import { type ChangePlace, formatChangeCursor } from '../../shared/exchange/change-cursor.ts';
import type { ChangeSignal } from './change-signal.ts';

const changesFormat = 'field-changes-1';
/** How often the access of a waiting reader is checked. */
const checkIntervalMs = 1000;
/** How often the feed is read even without a notification. */
const pollIntervalMs = 5000;
/** How often a line is sent even without changes, so that both sides detect a dead connection. */
const heartbeatMs = 15_000;

interface ChangeLinesDeps {
  readonly feed: Pick<ChangeFeedReader, 'readPage'>;
  readonly changes: Pick<ChangeSignal, 'count' | 'wait'>;
  /** @throws FieldError if the reader may not continue, or the process stops */
  readonly assertAllowed: () => Promise<void>;
  /** Aborts when the reader disconnects. */
  readonly signal: AbortSignal;
}

interface ChangesRequest {
  readonly after: ChangePlace;
  readonly filter: ChangeFilter;
  /** Whether to wait for further changes at the end. */
  readonly follow: boolean;
}

/** Yields the lines of each page together. @throws FieldError `cursor_unknown` if a failover has lost changes that were sent */
export async function* renderChanges(deps: ChangeLinesDeps, request: ChangesRequest): AsyncGenerator<string> {
  const { feed, changes, assertAllowed, signal } = deps;
  const { filter, follow } = request;
  let place = request.after;
  let entries = 0;
  let sentAt = performance.now();
  yield toLine({ format: changesFormat, after: formatChangeCursor(place) });
  while (!signal.aborted) {
    await assertAllowed();
    const { count } = changes;
    const page = await feed.readPage(place, filter);
    const lines = page.changes.map(toChangeLine);
    entries += page.changes.filter(({ type }) => type === 'entry').length;
    const hasMoved = formatChangeCursor(page.next) !== formatChangeCursor(page.changes.at(-1)?.place ?? place);
    if (hasMoved || performance.now() - sentAt >= heartbeatMs)
      lines.push(toLine({ next: formatChangeCursor(page.next) }));
    place = page.next;
    if (lines.length > 0) {
      yield lines.join('');
      sentAt = performance.now();
    }
    if (!page.isLast) continue;
    if (!follow) return yield toLine({ end: formatChangeCursor(place), entries });
    await waitForChanges(deps, count);
  }
}

async function waitForChanges({ changes, assertAllowed, signal }: ChangeLinesDeps, count: number): Promise<void> {
  const until = performance.now() + pollIntervalMs;
  while (!signal.aborted && performance.now() < until) {
    if (await changes.wait(count, { timeoutMs: checkIntervalMs, signal })) return;
    await assertAllowed();
  }
}

function toChangeLine(change: Change): string {
  return toLine({ ...describeChange(change), next: formatChangeCursor(change.place) });
}

function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
