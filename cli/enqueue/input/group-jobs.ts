/** Groups updates into jobs. Preserves their order across devices: a job ends where the device changes. */
import type { ApplyUpdates } from '../../../shared/contract/job.ts';
import { maxRequestBytes } from '../../../shared/contract/wire.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { clampTimestamps } from '../../../shared/updates/clamp-timestamps.ts';
import type { DeviceUpdate } from './parse-line.ts';

/** Groups of consecutive updates of one device with rising counters, at most `maxUpdates` and one request in size. */
export function groupUpdates(updates: readonly DeviceUpdate[], maxUpdates: number): DeviceUpdate[][] {
  const groups: DeviceUpdate[][] = [];
  let group: DeviceUpdate[] = [];
  let size = 0;
  for (const next of updates) {
    const last = group.at(-1);
    const isContinuation = last?.device === next.device && last.update.counter < next.update.counter;
    if (!isContinuation || group.length === maxUpdates || size + next.size > maxRequestBytes) {
      group = [];
      groups.push(group);
      size = 0;
    }
    group.push(next);
    size += next.size;
  }
  return groups;
}

interface Job {
  readonly data: ApplyUpdates;
  /** Timestamps that were clamped to the time of acceptance. */
  readonly adjusted: number;
}

/** The job of a group, as the API would enqueue it. */
export function toJob(field: FieldId, group: readonly DeviceUpdate[], acceptedAt: number): Job | undefined {
  const [first] = group;
  if (!first) return undefined;
  const { updates, adjusted } = clampTimestamps(
    group.map(({ update }) => update),
    acceptedAt,
  );
  return { data: { field, device: first.device, updates, acceptedAt }, adjusted: adjusted.length };
}
