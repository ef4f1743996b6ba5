/**
 * Sends the presence of one field to the watchers in this process. Changes are coalesced: a watcher gets what has changed since its
 * last message, as often as the number of watchers, the bytes that they were sent and the work of selecting devices permit.
 */

import type { Region } from '../../shared/field/math/region.ts';
import { findCentre, maxShownDevices, selectNearest } from '../presence/nearest-devices.ts';
import type { PresentDevices } from '../presence/present-devices.ts';
import type { Point } from '../presence/shown-device.ts';
import { BytePace } from './byte-pace.ts';
import { PresenceGroup } from './presence-group.ts';
import type { MessageSink } from './subscriber.ts';

export const maxMessagesPerSecond = 10;
/** To all watchers of a field together. */
export const maxFieldMessagesPerSecond = 20_000;
/** To all watchers of a field, and of all fields, in a process together. */
export const maxFieldBytesPerSecond = 64 * 1024 * 1024;
export const maxBytesPerSecond = 128 * 1024 * 1024;
/** Distances between a device and a centre. Measured: 20 million take a second. */
const maxComparisonsPerSecond = 4_000_000;
/** Unsent bytes of a watcher. Above this it gets no presence, so that presence does not delay changes of the state. */
const maxQueuedBytes = 16 * 1024;
const retryMs = 500;

export interface PresenceWatcher {
  moveTo(region: Region | undefined): void;
  leave(): void;
}

interface Watcher {
  readonly sink: Pick<MessageSink, 'send' | 'bufferedBytes'>;
  centre: Point;
  /** The group whose devices the watcher was sent; undefined if it needs all of them. */
  group: PresenceGroup | undefined;
}

interface PresenceBroadcasterDeps {
  readonly present: Pick<PresentDevices, 'devices' | 'activeNodes'>;
  /** Shared by all fields of the process. */
  readonly pace: BytePace;
  readonly gridSize: number;
}

export class PresenceBroadcaster {
  readonly #deps: PresenceBroadcasterDeps;
  readonly #pace = new BytePace(maxFieldBytesPerSecond);
  readonly #watchers = new Set<Watcher>();
  #groups = new Map<string, PresenceGroup>();
  #timer: NodeJS.Timeout | undefined;
  #nextAt = 0;

  constructor(deps: PresenceBroadcasterDeps) {
    this.#deps = deps;
  }

  watch(sink: Watcher['sink'], region: Region | undefined): PresenceWatcher {
    const { gridSize } = this.#deps;
    const watcher: Watcher = { sink, centre: findCentre(region, gridSize), group: undefined };
    this.#watchers.add(watcher);
    this.schedule();
    return {
      moveTo: (next) => {
        watcher.centre = findCentre(next, gridSize);
        this.schedule();
      },
      leave: () => {
        this.#watchers.delete(watcher);
        if (this.#watchers.size === 0) this.close();
      },
    };
  }

  /** Call when something has changed. */
  schedule(minDelayMs = 0): void {
    if (this.#timer || this.#watchers.size === 0) return;
    const now = performance.now();
    const freeAt = Math.max(this.#nextAt, this.#pace.freeAt, this.#deps.pace.freeAt, now + minDelayMs);
    this.#timer = setTimeout(() => this.#flush(), freeAt - now);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#groups.clear();
  }

  #flush(): void {
    this.#timer = undefined;
    const now = performance.now();
    const { bytes, isComplete } = this.#send();
    this.#pace.spend(bytes, now);
    this.#deps.pace.spend(bytes, now);
    const { activeNodes } = this.#deps.present;
    const receivers = Math.max(this.#watchers.size, activeNodes);
    const comparisons = activeNodes > maxShownDevices ? activeNodes * this.#groups.size : 0;
    const intervals = [
      1 / maxMessagesPerSecond,
      receivers / maxFieldMessagesPerSecond,
      comparisons / maxComparisonsPerSecond,
    ];
    this.#nextAt = now + 1000 * Math.max(...intervals);
    if (!isComplete) this.schedule(retryMs);
  }

  /** @returns `isComplete` is false if slow watchers were left out */
  #send(): { readonly bytes: number; readonly isComplete: boolean } {
    const groups = new Map<string, PresenceGroup>();
    let bytes = 0;
    let isComplete = true;
    for (const watcher of this.#watchers) {
      const group = this.#findGroup(groups, watcher.centre);
      const message = watcher.group === group ? group.changes : group.complete;
      if (!message) continue;
      if (watcher.sink.bufferedBytes() > maxQueuedBytes) {
        watcher.group = undefined;
        isComplete = false;
        continue;
      }
      watcher.sink.send(message);
      watcher.group = group;
      bytes += message.text.length;
    }
    this.#groups = groups;
    return { bytes, isComplete };
  }

  /** The group of a centre, updated once for each round. While all devices are shown, everybody is in one group. */
  #findGroup(groups: Map<string, PresenceGroup>, centre: Point): PresenceGroup {
    const { present } = this.#deps;
    const isCrowded = present.activeNodes > maxShownDevices;
    const key = isCrowded ? `${centre.x} ${centre.y}` : '';
    const updated = groups.get(key);
    if (updated) return updated;
    const group = this.#groups.get(key) ?? new PresenceGroup();
    const devices = isCrowded ? selectNearest(present.devices(), centre, maxShownDevices) : [...present.devices()];
    group.update(devices, present.activeNodes);
    groups.set(key, group);
    return group;
  }
}
