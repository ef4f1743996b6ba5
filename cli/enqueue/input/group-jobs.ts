/** Groups updates into jobs of one device each. */
import type { ApplyUpdates } from '../../../shared/contract/job.ts';
import { maxRequestBytes } from '../../../shared/contract/wire.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import { clampTimestamps } from '../../../shared/updates/clamp-timestamps.ts';
import type { DeviceUpdate } from './parse-line.ts';

interface Group {
  /** Its position among the groups. */
  readonly index: number;
  readonly updates: DeviceUpdate[];
  bytes: number;
}

/** Groups of consecutive updates of one device with rising counters, limited to `maxUpdates` and to the size of a request. */
export function groupUpdates(updates: readonly DeviceUpdate[], maxUpdates: number): DeviceUpdate[][] {
  const groups: Group[] = [];
  for (const next of updates) {
    const last = groups.at(-1);
    if (last && fits(last, next, maxUpdates)) append(last, next);
    else groups.push(createGroup(groups.length, next));
  }
  return groups.map((group) => group.updates);
}

/**
 * Creates as few groups as possible: an update joins the last group of its device even if updates of others came in between, unless
 * it has seen (by its vector clock) an update of another device in a later group. The updates of each device are in the order of
 * their counters, in which the device made them.
 */
export function groupByDevice(updates: readonly DeviceUpdate[], maxUpdates: number): DeviceUpdate[][] {
  const groups: Group[] = [];
  const groupsByDevice = new Map<DeviceId, Group[]>();
  for (const next of sortWithinDevices(updates)) {
    const own = groupsByDevice.get(next.device) ?? [];
    const last = own.at(-1);
    if (last && fits(last, next, maxUpdates) && !hasSeenLaterGroup(next, last, groupsByDevice)) append(last, next);
    else {
      const group = createGroup(groups.length, next);
      groups.push(group);
      groupsByDevice.set(next.device, [...own, group]);
    }
  }
  return groups.map((group) => group.updates);
}

/** Sorts the updates of each device within the positions that the device has in the list. */
function sortWithinDevices(updates: readonly DeviceUpdate[]): DeviceUpdate[] {
  const places = new Map<DeviceId, number[]>();
  for (const [place, { device }] of updates.entries()) {
    const own = places.get(device);
    if (own) own.push(place);
    else places.set(device, [place]);
  }
  const sorted = [...updates];
  for (const own of places.values()) {
    const ofDevice = own.flatMap((place) => updates[place] ?? []);
    ofDevice.sort((a, b) => a.update.counter - b.update.counter);
    for (const [index, place] of own.entries()) sorted[place] = ofDevice[index] as DeviceUpdate;
  }
  return sorted;
}

function createGroup(index: number, first: DeviceUpdate): Group {
  return { index, updates: [first], bytes: first.size };
}

function append(group: Group, next: DeviceUpdate): void {
  group.updates.push(next);
  group.bytes += next.size;
}

function fits({ updates, bytes }: Group, next: DeviceUpdate, maxUpdates: number): boolean {
  const last = updates.at(-1);
  const isContinuation =
    last?.device === next.device && last.user === next.user && last.update.counter < next.update.counter;
  return isContinuation && updates.length < maxUpdates && bytes + next.size <= maxRequestBytes;
}

function hasSeenLaterGroup(
  { device, update: { clock } }: DeviceUpdate,
  { index }: Group,
  groupsByDevice: ReadonlyMap<DeviceId, readonly Group[]>,
): boolean {
  if (!clock) return false;
  return Object.entries(clock).some(([other, counter]) => {
    if (other === device) return false;
    const seen = groupsByDevice
      .get(other as DeviceId)
      ?.findLast(({ updates: [first] }) => first && first.update.counter <= counter);
    return seen !== undefined && seen.index > index;
  });
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
  const { device, user } = first;
  const { updates, adjusted } = clampTimestamps(
    group.map(({ update }) => update),
    acceptedAt,
  );
  return {
    data: { field, device, updates, acceptedAt, ...(user === undefined ? {} : { user }) },
    adjusted: adjusted.length,
  };
}
