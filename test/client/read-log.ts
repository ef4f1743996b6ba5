/** Reads the whole log of a field from the API, page by page. */
import type { z } from 'zod';
import type { FieldClient } from '../../client/types.ts';
import type { createLogEntrySchema, createLogPageSchema } from '../../shared/contract/state.ts';

type LogEntry = z.infer<ReturnType<typeof createLogEntrySchema>>;
type LogPage = z.infer<ReturnType<typeof createLogPageSchema>>;

export async function readWholeLog(client: FieldClient): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (;;) {
    const page = await client.read<LogPage>(`/updates?limit=1000&after=${entries.length}`);
    entries.push(...page.updates.flatMap((entry) => ('update' in entry ? [entry] : [])));
    if (page.updates.length === 0 || entries.length >= page.version) return entries;
  }
}
