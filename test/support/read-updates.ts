/** Reads recorded updates from `test/data`. The files are NDJSON with one update and its device per line. */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { createUpdateSchema } from '../../shared/contract/update.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';

export interface DeviceUpdate {
  readonly device: DeviceId;
  readonly update: Update;
}

const gridSize = 30;

export async function readUpdates(name: 'earthquakes.ndjson' | 'concurrent-cells.ndjson.gz'): Promise<DeviceUpdate[]> {
  const bytes = await readFile(new URL(`../data/${name}`, import.meta.url));
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  const schema = createUpdateSchema(gridSize);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { device, ...update } = JSON.parse(line);
      return { device, update: { ...schema.parse(update), seen: update.seen ?? 0 } };
    });
}
