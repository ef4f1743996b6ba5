/** Puts updates into jobs. Keeps their order, across devices as well: a job ends where the device changes. */

import type { ApplyUpdates } from '../../../shared/contract/job.ts';
import { maxRequestBytes } from '../../../shared/contract/wire.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { clampTimestamps } from '../../../shared/updates/clamp-timestamps.ts';
import type { DeviceUpdate } from './parse-line.ts';

/** Consecutive updates of one device with rising counters, at most `max` of them, and no larger than a request. */
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
  /** How many timestamps were brought down to the time of acceptance. */
  readonly adjusted: number;
}

/** The job of a group, as the door of the API would let it in. */
export function toJob(field: FieldId, group: readonly DeviceUpdate[], acceptedAt: number): Job | undefined {
  const [first] = group;
  if (!first) return undefined;
  const { updates, adjusted } = clampTimestamps(
    group.map(({ update }) => update),
    acceptedAt,
  );
  return { data: { field, device: first.device, updates, acceptedAt }, adjusted: adjusted.length };
}
