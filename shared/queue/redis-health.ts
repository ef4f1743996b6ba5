/** Reads the durability and the memory use of the queue's Redis from its settings and statistics. */
import type { Redis } from 'ioredis';
import type { Durability } from '../contract/messages.ts';
import type { DurabilityReading } from '../durability/durability-monitor.ts';
import { listServers, readRedisSettings } from '../redis/connect.ts';

export interface QueueMemory {
  readonly usedBytes: number;
  /** 0 for no limit. */
  readonly maxBytes: number;
}

/** The settings that decide whether an accepted update can be lost. */
export const queueSettingNames = [
  'appendonly',
  'appendfsync',
  'no-appendfsync-on-rewrite',
  'maxmemory-policy',
] as const;

type QueueSettings = Readonly<Record<string, string | undefined>>;

/** From the weakest to the strongest. */
const levels = ['memory', 'everysec', 'fsync'] as const satisfies readonly Durability[];

/**
 * The durability of the server, or of the weakest master of a cluster.
 * @throws if a server does not answer
 */
export async function readQueueDurability(redis: Redis): Promise<DurabilityReading> {
  const all = await Promise.all(listServers(redis).map(readQueueSettings));
  if (all.includes(unreadable)) return { durability: 'memory', weaknesses: ['its settings cannot be read'] };
  const found = new Set(all.map(parseDurability));
  return {
    durability: levels.find((level) => found.has(level)) ?? 'memory',
    weaknesses: [...new Set(all.flatMap(listQueueWeaknesses))],
  };
}

const unreadable: QueueSettings = {};

/** Resolves with `unreadable` if the user may not read the settings, or if the command is disabled. */
async function readQueueSettings(redis: Redis): Promise<QueueSettings> {
  try {
    return await readRedisSettings(redis, queueSettingNames);
  } catch (error) {
    if (error instanceof Error && /^(NOPERM|ERR unknown command)/.test(error.message)) return unreadable;
    throw error;
  }
}

function parseDurability(settings: QueueSettings): (typeof levels)[number] {
  const { appendonly, appendfsync, 'maxmemory-policy': policy } = settings;
  // An evicted job is lost even if the server never stops.
  if (appendonly !== 'yes' || policy?.startsWith('allkeys-')) return 'memory';
  if (appendfsync === 'everysec') return 'everysec';
  if (appendfsync !== 'always') return 'memory';
  // Otherwise Redis leaves the fsync to the operating system while it rewrites its log.
  return settings['no-appendfsync-on-rewrite'] === 'no' ? 'fsync' : 'everysec';
}

const durableSettings: Readonly<Record<(typeof queueSettingNames)[number], string>> = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  'maxmemory-policy': 'noeviction',
};

/** The settings that allow an accepted update to be lost, one clause each. */
export function listQueueWeaknesses(settings: QueueSettings): string[] {
  return queueSettingNames
    .filter((name) => settings[name] !== durableSettings[name])
    .map((name) => `${name} is ${settings[name] ?? 'unknown'}`);
}

/** The reason why production refuses the queue, with the remedy; undefined if it is durable. */
export function describeWeakQueue({ durability, weaknesses }: DurabilityReading): string | undefined {
  if (weaknesses.length === 0) return undefined;
  const remedy = queueSettingNames.map((name) => `${name} ${durableSettings[name]}`).join(', ');
  return (
    `QUEUE_REDIS_URL: Redis may lose accepted updates (durability "${durability}"), since ${weaknesses.join('; ')}. ` +
    `Set ${remedy}, or ALLOW_WEAK_DURABILITY=true`
  );
}

/** The memory of the server, or of the fullest master of a cluster. @throws if Redis does not answer */
export async function readQueueMemory(redis: Redis): Promise<QueueMemory | undefined> {
  const all = await Promise.all(listServers(redis).map(readServerMemory));
  return all.sort((one, other) => computeFillRatio(other) - computeFillRatio(one))[0];
}

async function readServerMemory(redis: Redis): Promise<QueueMemory> {
  const info = await redis.info('memory');
  const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { usedBytes: read('used_memory'), maxBytes: read('maxmemory') };
}

/** Servers without a limit are ordered by their used memory, below all servers with a limit. */
function computeFillRatio({ usedBytes, maxBytes }: QueueMemory): number {
  return maxBytes > 0 ? usedBytes / maxBytes : usedBytes / Number.MAX_SAFE_INTEGER;
}
