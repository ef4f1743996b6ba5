/** Reads the recorded updates in `test/data`, one per line, for the field tests. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createUpdateSchema } from '../../../../shared/contract/update.ts';
import type { SentUpdate } from './changes.ts';

const schema = createUpdateSchema(30);

/** Reads a file and validates each update. @throws ZodError for the first invalid one */
export function readUpdates(name: 'earthquakes.ndjson' | 'concurrent-cells.ndjson.gz'): SentUpdate[] {
  const bytes = readFileSync(new URL(`../../../data/${name}`, import.meta.url));
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { device, ...update } = JSON.parse(line);
      return { device, update: { ...schema.parse(update), seen: update.seen ?? 0 } };
    });
}
