/** Watches a field's deltas on the Redis channel. */
import { Redis } from 'ioredis';
import { createCacheKeys } from '../../shared/cache/cache-keys.ts';
import { parseChangeMessage } from '../../shared/cache/change-message.ts';
import type { DeltaUpdate } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { BenchStack } from '../stack/bench-stack.ts';

export interface ReceivedDelta {
  readonly to: Cursor;
  readonly updates: readonly DeltaUpdate[];
  /** Log time of the newest of its updates, in ms since the epoch. */
  readonly foldedAt: number;
}

interface DeltaMessage {
  readonly type: string;
  readonly to: Cursor;
  readonly updates: readonly DeltaUpdate[];
  readonly changes: { readonly metrics: { readonly lastUpdate: number } };
}

export async function fieldChannel({ db }: BenchStack, field: FieldId): Promise<string> {
  const { rows } = await db.query<{ id: string }>('SELECT id FROM installation');
  return createCacheKeys('field', rows[0]?.id ?? '').fieldChannel(field);
}

/** @returns a function that stops watching */
export async function watchChannel(
  stack: BenchStack,
  field: FieldId,
  onDelta: (delta: ReceivedDelta) => void,
): Promise<() => void> {
  const redis = new Redis(stack.urls.cache);
  redis.on('message', (_channel: string, message: string) => onDelta(readDelta(parseChangeMessage(message).delta)));
  await redis.subscribe(await fieldChannel(stack, field));
  return () => redis.disconnect();
}

function readDelta(text: string): ReceivedDelta {
  const { to, updates, changes } = JSON.parse(text) as DeltaMessage;
  return { to, updates, foldedAt: changes.metrics.lastUpdate };
}
