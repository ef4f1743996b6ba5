/** Writes to a field at a fixed rate, by requests of many devices. */
import type { FieldId } from '../../shared/field/ids.ts';
import { runOpenLoop } from './open-loop.ts';
import { createUpdates, createWriters, encodePost, type MakeUpdate } from './writers.ts';

const updatesPerRequest = 20;

export interface SendUpdatesOptions {
  readonly url: string;
  readonly field: FieldId;
  readonly updatesPerSecond: number;
  readonly seconds: number;
  /** @param writer the number of the device that writes it */
  readonly createUpdate: (writer: number) => MakeUpdate;
}

export async function sendUpdates(options: SendUpdatesOptions): Promise<void> {
  const { url, field, updatesPerSecond, seconds, createUpdate } = options;
  const writers = await createWriters(updatesPerSecond / updatesPerRequest);
  await runOpenLoop({
    url,
    devices: writers.length,
    perSecond: writers.length,
    seconds,
    next: (index) => {
      const writer = writers[index] as (typeof writers)[number];
      return encodePost(writer, field, createUpdates(writer, field, updatesPerRequest, createUpdate(index)));
    },
    onResponse: () => undefined,
  });
}
