/** Saves the displayed state as JSON, or the whole log as NDJSON: one entry per line, the oldest first. */
import type { LogPage } from '../timeline/log-index.ts';
import { download } from './download.ts';
import type { ExportSource } from './export-source.ts';

const pageSize = 1000;

/** @throws what `read` throws */
export async function saveState({ field, read, shown }: ExportSource): Promise<void> {
  const { version, isPast } = shown();
  // Read from the server, since the page may have only a part of the field.
  const state = await read<{ readonly version: number }>(isPast ? `?at=${version}` : '');
  const content = new Blob([JSON.stringify(state, undefined, 2)], { type: 'application/json' });
  download(`${field}-${state.version}.json`, content);
}

/** @param onProgress called with the progress as text @throws what `read` throws */
export async function saveLog({ field, read, shown }: ExportSource, onProgress: (text: string) => void): Promise<void> {
  const { oldest } = await read<LogPage>(`/updates?after=${shown().version}&limit=1`);
  const lines: string[] = [];
  // Cursors, after the first page: versions alone could mix two histories in one file.
  for (let after: string | number = oldest; ; ) {
    const { version, updates }: LogPage = await read(`/updates?after=${after}&limit=${pageSize}`);
    for (const entry of updates) lines.push(`${JSON.stringify(entry)}\n`);
    const last = updates.at(-1);
    if (!last || last.version >= version) break;
    after = last.cursor;
    onProgress(`Log ${Math.floor((last.version / version) * 100)} %`);
  }
  download(`${field}-log.ndjson`, new Blob(lines, { type: 'application/x-ndjson' }));
}
