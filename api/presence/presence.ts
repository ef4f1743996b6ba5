/**
 * Presence: the devices that currently follow or change a field, with the data that they show. It is ephemeral: it is not in
 * the log and has no version. Each process reports its own devices to the others through the cache's Redis; while Redis is
 * unavailable, each process has its own devices only.
 */
import { type CacheKeys, toViewerId } from '../../shared/cache/cache-keys.ts';
import type { PresenceData } from '../../shared/contract/messages.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Region } from '../../shared/field/math/region.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { createSparseCache } from '../../shared/process/sparse-cache.ts';
import type { RedisSubscriber } from '../redis-subscriber.ts';
import { FieldPresence } from './field-presence.ts';
import { findCentre, maxShownDevices, selectNearest } from './nearest-devices.ts';
import { PresenceReporter } from './presence-reporter.ts';
import { type PresenceConnection, PresenceStore } from './presence-store.ts';
import type { PresentDevices } from './present-devices.ts';
import { createShownDevice } from './shown-device.ts';

const tickIntervalMs = 1000;
/** The maximum age of the counts and lists of fields that nobody watches. */
const readIntervalMs = 1000;
/** In total. Beyond this, a request does not make its device present in a field that has no stream in this process. */
const maxFields = 10_000;

/** A client whose presence is counted as long as it is heard. */
export interface Client {
  /** Undefined if its token names none; it is then counted as its user, and not shown. */
  readonly device: string | undefined;
  readonly user: string;
}

/** The presence of a client with an open stream. */
export interface PresenceSession {
  /** Call when anything arrives from the client. */
  heard(): void;
  /** @throws FieldError `presence_full` */
  show(data: PresenceData): void;
  leave(): void;
}

/** The devices of a field, until it is left. */
export interface FollowedPresence {
  readonly devices: Pick<PresentDevices, 'devices' | 'activeNodes'>;
  /** Resolves when the devices of the other processes are known, or cannot be read. Never rejects. */
  readonly ready: Promise<void>;
  leave(): void;
}

interface PresenceDeps {
  readonly redis: PresenceConnection;
  readonly redisSubscriber: Pick<RedisSubscriber, 'subscribe' | 'unsubscribe' | 'onReconnect'>;
  readonly keys: CacheKeys;
  /** The servers' clock. */
  readonly clock: { now(): number };
  readonly gridSize: number;
  readonly log: Logger;
}

export class Presence {
  readonly #deps: PresenceDeps;
  readonly #store: PresenceStore;
  readonly #reporter: PresenceReporter;
  readonly #fields = new Map<FieldId, FieldPresence>();
  readonly #counts = createSparseCache<FieldId, Promise<number>>({ maxEntries: maxFields, ttl: readIntervalMs });
  readonly #timer: NodeJS.Timeout;

  constructor(deps: PresenceDeps) {
    this.#deps = deps;
    this.#store = new PresenceStore(deps.redis, deps.keys);
    this.#reporter = new PresenceReporter({ store: this.#store, log: deps.log });
    deps.redisSubscriber.onReconnect(() => {
      for (const { onChange, follower } of this.#fields.values()) if (onChange) void follower.read();
    });
    this.#timer = setInterval(() => this.#tick(performance.now()), tickIntervalMs);
  }

  /** Call when a client has opened a stream. */
  join(id: FieldId, { device, user }: Client): PresenceSession {
    const field = this.#open(id);
    const { devices, budget } = field;
    const key = device ?? toViewerId(user);
    // Registered devices are users of their own.
    const identity =
      device === undefined ? undefined : { device, user: user === `device:${device}` ? undefined : user };
    let shown = identity && createShownDevice({ ...identity, at: this.#deps.clock.now() });
    let isOpen = true;
    devices.open(key, shown, performance.now());
    return {
      heard: () => {
        if (isOpen) devices.hear(key, performance.now(), shown);
      },
      show: (data) => {
        if (!isOpen || !identity) return;
        const at = Math.max(this.#deps.clock.now(), (devices.find(key)?.at ?? 0) + 1);
        const next = createShownDevice({ ...identity, data, at });
        budget.spend(key, { user, bytes: Buffer.byteLength(next.json) });
        shown = next;
        devices.show(key, shown, performance.now());
      },
      leave: () => {
        if (!isOpen) return;
        isOpen = false;
        if (devices.close(key)) budget.release(key);
      },
    };
  }

  /** Call when a device makes a request. Most calls cost two look-ups in memory. */
  touch(id: FieldId, device: string): void {
    if (this.#fields.size >= maxFields && !this.#fields.has(id)) return;
    this.#open(id).devices.hear(device, performance.now());
  }

  /** How many devices were heard in the last 30 s. Never rejects. */
  count(id: FieldId): Promise<number> {
    const field = this.#fields.get(id);
    if (field?.isComplete) return Promise.resolve(field.devices.activeNodes);
    const known = this.#counts.get(id);
    if (known) return known;
    const count = this.#countNow(id, field);
    this.#counts.set(id, count);
    return count;
  }

  /** What `GET /api/fields/:field/presence` answers: JSON with the devices that are nearest to the region's centre. */
  async describe(id: FieldId, region: Region | undefined): Promise<string> {
    const field = this.#fields.get(id) ?? this.#create(id);
    await this.#reporter.flush(field);
    const isFresh = field.isComplete || performance.now() - field.follower.readAt < readIntervalMs;
    if (!isFresh) await field.follower.read();
    if (!field.devices.isEmpty && this.#fields.size < maxFields) this.#fields.set(id, field);
    const { activeNodes } = field.devices;
    const devices = selectNearest(field.devices.devices(), findCentre(region, this.#deps.gridSize), maxShownDevices);
    return `{"activeNodes":${activeNodes},"devices":[${devices.map(({ json }) => json).join(',')}]}`;
  }

  /**
   * Follows the devices of all processes. A field can have only one follower at a time.
   * @param onChange called when something has changed
   */
  follow(id: FieldId, onChange: () => void): FollowedPresence {
    const field = this.#open(id);
    const { redisSubscriber, keys } = this.#deps;
    const channel = keys.presenceChannel(id);
    field.onChange = onChange;
    // The channel is subscribed before the devices are read, so that no report is missed in between.
    const subscribed = redisSubscriber.subscribe(channel, (message) => field.follower.receive(message));
    return {
      devices: field.devices,
      ready: subscribed.then(() => field.follower.read()),
      leave() {
        field.onChange = undefined;
        field.follower.reset();
        redisSubscriber.unsubscribe(channel);
      },
    };
  }

  /** Reports to the other processes what is pending, such as devices that have left. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#reporter.close();
  }

  #open(id: FieldId): FieldPresence {
    const known = this.#fields.get(id);
    if (known) return known;
    const field = this.#create(id);
    this.#fields.set(id, field);
    return field;
  }

  #create(id: FieldId): FieldPresence {
    return new FieldPresence(id, {
      store: this.#store,
      reporter: this.#reporter,
      readTime: () => this.#deps.clock.now(),
      // The next count must include the change.
      onChange: (changed) => void this.#counts.delete(changed),
      log: this.#deps.log,
    });
  }

  async #countNow(id: FieldId, field: FieldPresence | undefined): Promise<number> {
    // Commands on one connection are executed in order, so that the count includes what is reported here.
    if (field) void this.#reporter.flush(field);
    const count = await this.#store.check(id).then(
      (found) => found.count,
      () => 0,
    );
    return Math.max(count, field?.devices.activeNodes ?? 0);
  }

  #tick(now: number): void {
    for (const [id, field] of this.#fields) {
      field.tick(now);
      if (field.isUnused) this.#fields.delete(id);
    }
  }
}
