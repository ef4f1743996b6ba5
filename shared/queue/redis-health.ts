/** How durable the queue's Redis and how full its memory is, as its settings and statistics say. */
import type { Redis } from 'ioredis';
import type { Durability } from '../contract/receipt.ts';
import { listServers, readRedisSettings } from '../redis/connect.ts';

export interface DurabilitySettings {
  readonly durability: Durability;
  readonly maxmemoryPolicy: string;
}

export interface QueueMemory {
  readonly usedBytes: number;
  /** 0 for no limit. */
  readonly maxBytes: number;
}

const settingNames = ['appendonly', 'appendfsync', 'maxmemory-policy'] as const;

/** @throws if Redis does not answer, or if the user may not read its settings */
export async function readDurabilitySettings(redis: Redis): Promise<DurabilitySettings> {
  const settings = await readRedisSettings(redis, settingNames);
  return { durability: parseDurability(settings), maxmemoryPolicy: settings['maxmemory-policy'] ?? 'unknown' };
}

function parseDurability(settings: Readonly<Record<string, string>>): Durability {
  if (settings.appendonly !== 'yes') return 'memory';
  if (settings.appendfsync === 'always') return 'fsync';
  return settings.appendfsync === 'everysec' ? 'everysec' : 'memory';
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
