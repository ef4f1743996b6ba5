/**
 * The subscribers of a field that watch a region of it and are up to date there: decides what each delta of the field means for
 * them. A subscriber gets the changes inside its region and the outcomes of its own device at once, and nothing of others. Its
 * cursor therefore stays behind until something concerns it, for at most 5 s.
 *
 * Subscribers of the same region share messages as long as they have the same cursor.
 */
import type { StateFragments } from '../../shared/cache/state-fragments.ts';
import type { DeltaUpdate } from '../../shared/contract/messages.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import { type Region, regionKey } from '../../shared/field/math/region.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import { DeltaSpread } from './regions/delta-spread.ts';
import {
  type ParsedDelta,
  parseDelta,
  readWholeFieldValues,
  updateWholeFieldValues,
  type WholeFieldValues,
} from './regions/parsed-delta.ts';
import { RegionGrid } from './regions/region-grid.ts';
import { mergeChanges, type RegionalChanges, renderDelta } from './regions/regional-changes.ts';
import type { Delta } from './replay-buffer.ts';
import { StreamMessage } from './stream-message.ts';
import type { Subscriber } from './subscriber.ts';

const metricsIntervalMs = 1000;
/** The longest delay between the last change and the metrics that result from it. */
const maxMetricsDelayMs = 2 * metricsIntervalMs;
const emptyDeltaIntervalMs = 5000;

/** The subscribers of one region. */
interface Group {
  readonly region: Region;
  readonly members: Set<Member>;
}

interface Member {
  readonly subscriber: Subscriber;
  readonly group: Group;
  sentAt: number;
  metricsAt: number;
  /** Whether it was sent changes without the metrics that result from them. */
  isMetricsDue: boolean;
}

/** What one delta says of a member's own device. */
interface Own {
  readonly updates: DeltaUpdate[];
  readonly conflicts: Conflict[];
}

interface Broadcast {
  readonly to: Cursor;
  readonly totals: WholeFieldValues;
  readonly now: number;
}

export class RegionalAudience {
  readonly #groups = new Map<string, Group>();
  readonly #grid = new RegionGrid<Group>();
  readonly #members = new Map<Subscriber, Member>();
  readonly #byDevice = new Map<string, Set<Member>>();
  /** Undefined while there are no members. */
  #spread: DeltaSpread<Group> | undefined;
  #totals: WholeFieldValues | undefined;

  /**
   * Adds a subscriber that has a state of its region, and sends it the changes since.
   * @param fragments the whole field at that state
   * @param missed the deltas since
   */
  add(subscriber: Subscriber, fragments: StateFragments, missed: readonly Delta[], now: number): void {
    const { region } = subscriber;
    if (!region) return;
    const deltas = missed.map(({ message }) => parseDelta(message));
    if (!this.#spread) this.#start(fragments, deltas);
    const key = regionKey(region);
    const group = this.#groups.get(key) ?? this.#open(key, region);
    const member = { subscriber, group, sentAt: now, metricsAt: now, isMetricsDue: false };
    group.members.add(member);
    this.#members.set(subscriber, member);
    const { device } = subscriber;
    if (device !== undefined) this.#byDevice.set(device, (this.#byDevice.get(device) ?? new Set()).add(member));
    const last = missed.at(-1);
    if (last) this.#replay(member, deltas, last.to, now);
  }

  remove(subscriber: Subscriber): void {
    const member = this.#members.get(subscriber);
    if (!member) return;
    const { group } = member;
    this.#members.delete(subscriber);
    group.members.delete(member);
    if (group.members.size === 0) this.#close(group);
    const { device } = subscriber;
    const ofDevice = device === undefined ? undefined : this.#byDevice.get(device);
    if (ofDevice?.delete(member) && ofDevice.size === 0) this.#byDevice.delete(device ?? '');
    if (this.#members.size === 0) this.clear();
  }

  /** Removes all members, because the next delta does not continue the last one. */
  clear(): void {
    this.#members.clear();
    for (const group of this.#groups.values()) this.#grid.remove(group);
    this.#groups.clear();
    this.#byDevice.clear();
    this.#spread = undefined;
    this.#totals = undefined;
  }

  /** Sends a delta of the field to the members that it concerns. @returns their number */
  deliver({ to, message }: Delta, now: number): number {
    if (!this.#spread || !this.#totals) return 0;
    const delta = parseDelta(message);
    this.#totals = updateWholeFieldValues(this.#totals, delta);
    const changes = this.#spread.spread(delta);
    const own = this.#findOwn(delta);
    const broadcast = { to, totals: this.#totals, now };
    let sent = 0;
    for (const [group, changed] of changes) {
      const messages = new Map<string, StreamMessage>();
      for (const member of group.members) {
        const ownChanges = own.get(member);
        own.delete(member);
        if (this.#send(member, { broadcast, changes: changed, own: ownChanges, messages })) sent += 1;
      }
    }
    for (const [member, ownChanges] of own) {
      if (this.#send(member, { broadcast, changes: undefined, own: ownChanges, messages: new Map() })) sent += 1;
    }
    return sent;
  }

  /** Call periodically. @param to the newest cursor */
  tick(to: Cursor, now: number): void {
    if (!this.#totals) return;
    const broadcast = { to, totals: this.#totals, now };
    const messages = new Map<string, StreamMessage>();
    for (const member of this.#members.values()) {
      const isBehind = member.subscriber.cursor !== to && now - member.sentAt >= emptyDeltaIntervalMs;
      const isMetricsDue = member.isMetricsDue && now - member.metricsAt >= maxMetricsDelayMs;
      if (!isBehind && !isMetricsDue) continue;
      this.#send(member, { broadcast, changes: undefined, own: undefined, messages });
    }
  }

  #start(fragments: StateFragments, deltas: readonly ParsedDelta[]): void {
    this.#spread = new DeltaSpread(this.#grid, fragments);
    this.#totals = readWholeFieldValues(fragments);
    for (const delta of deltas) {
      this.#totals = updateWholeFieldValues(this.#totals, delta);
      this.#spread.spread(delta);
    }
  }

  #open(key: string, region: Region): Group {
    const group = { region, members: new Set<Member>() };
    this.#groups.set(key, group);
    this.#grid.add(group);
    return group;
  }

  #close(group: Group): void {
    this.#groups.delete(regionKey(group.region));
    this.#grid.remove(group);
  }

  #replay(member: Member, deltas: readonly ParsedDelta[], to: Cursor, now: number): void {
    if (!this.#totals) return;
    const broadcast = { to, totals: this.#totals, now };
    const changes = mergeChanges(deltas, member.group.region);
    const own: Own = { updates: [], conflicts: [] };
    for (const delta of deltas) addOwn(own, delta, member.subscriber.device);
    member.metricsAt = Number.NEGATIVE_INFINITY;
    this.#send(member, { broadcast, changes, own, messages: new Map() });
  }

  #findOwn({ updates, conflicts = [] }: ParsedDelta): Map<Member, Own> {
    const found = new Map<Member, Own>();
    const ownOf = (member: Member): Own => {
      const own = found.get(member) ?? { updates: [], conflicts: [] };
      found.set(member, own);
      return own;
    };
    for (const update of updates)
      for (const member of this.#byDevice.get(update.device) ?? []) ownOf(member).updates.push(update);
    for (const conflict of conflicts) {
      for (const device of new Set([conflict.local.device, conflict.remote.device]))
        for (const member of this.#byDevice.get(device) ?? []) ownOf(member).conflicts.push(conflict);
    }
    return found;
  }

  /** @param messages those already created for the group, by their content */
  #send(
    member: Member,
    content: {
      readonly broadcast: Broadcast;
      readonly changes: RegionalChanges | undefined;
      readonly own: Own | undefined;
      readonly messages: Map<string, StreamMessage>;
    },
  ): boolean {
    const { subscriber } = member;
    const { broadcast, changes, own, messages } = content;
    const { to, totals, now } = broadcast;
    const from = subscriber.cursor;
    // The member may have been caught up from a newer state.
    if (from === undefined || versionOf(from) > versionOf(to)) return false;
    const hasMetrics = now - member.metricsAt >= metricsIntervalMs;
    const key = own ? undefined : `${from} ${hasMetrics}`;
    const known = key === undefined ? undefined : messages.get(key);
    const message = known ?? createMessage({ from, to, changes, totals, hasMetrics, own });
    if (key !== undefined) messages.set(key, message);
    if (subscriber.deliverLive(message, to, now) !== 'sent') {
      this.remove(subscriber);
      return false;
    }
    member.sentAt = now;
    if (hasMetrics) member.metricsAt = now;
    member.isMetricsDue = !hasMetrics;
    return true;
  }
}

function createMessage({
  own,
  ...delta
}: Omit<Parameters<typeof renderDelta>[0], 'updates' | 'ownConflicts'> & {
  readonly own: Own | undefined;
}): StreamMessage {
  const text = renderDelta({ ...delta, updates: own?.updates ?? [], ownConflicts: own?.conflicts ?? [] });
  return new StreamMessage('delta', Buffer.from(text), delta.to);
}

function addOwn(own: Own, { updates, conflicts = [] }: ParsedDelta, device: string | undefined): void {
  if (device === undefined) return;
  own.updates.push(...updates.filter((update) => update.device === device));
  own.conflicts.push(...conflicts.filter(({ local, remote }) => local.device === device || remote.device === device));
}
