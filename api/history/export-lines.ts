/**
 * Renders an export as lines: a header, the entries as readers get them, and an end. A page is read only after the previous one
 * was sent, and costs as many points as a page of the log; a reader without points gets the next page later. An export that fails
 * breaks the connection without the last line.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExportPage, ExportRange } from '../../db/read/export/export-log.ts';
import { toPublicEntry } from '../../db/read/log/public-entry.ts';
import { FieldError } from '../../shared/errors.ts';
import { type Cursor, formatCursor } from '../../shared/field/cursor.ts';

const exportFormat = 'field-updates-1';
const secondsWithoutHint = 1;

interface ExportLinesDeps {
  readonly readPages: (range: ExportRange) => AsyncIterable<ExportPage>;
  /** @throws FieldError `rate_limited` */
  readonly chargePage: () => void;
  /** @throws FieldError if the reader may not continue, or the process stops */
  readonly assertAllowed: () => Promise<void>;
  /** Aborts when the reader disconnects. */
  readonly signal: AbortSignal;
}

interface ExportRequest extends ExportRange {
  /** The field's cursor when the export began. */
  readonly cursor: Cursor;
  readonly logStart: number;
}

/** Yields the lines of each page together. */
export async function* renderExport(deps: ExportLinesDeps, request: ExportRequest): AsyncGenerator<string> {
  const { field, cursor, logStart, after, until } = request;
  yield toLine({ format: exportFormat, field, version: until, cursor, oldest: logStart, after });
  let end = cursor;
  let entries = 0;
  for await (const page of deps.readPages({ field, after, until })) {
    const last = page.entries.at(-1);
    if (last) end = formatCursor(last.version, last.hash);
    entries += page.entries.length;
    yield page.entries.map((entry) => toLine(toPublicEntry(entry))).join('');
    await waitForPage(deps);
  }
  yield toLine({ end, entries });
}

/** The first page was charged with the request, so each page is followed by the charge for the next. */
async function waitForPage({ chargePage, assertAllowed, signal }: ExportLinesDeps): Promise<void> {
  for (;;) {
    await assertAllowed();
    try {
      chargePage();
      return;
    } catch (error) {
      if (!(error instanceof FieldError) || error.code !== 'rate_limited') throw error;
      await delay((error.retryAfterSeconds ?? secondsWithoutHint) * 1000, undefined, { signal });
    }
  }
}

function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
