/** Says once a minute how far the cache has served the reads, in one line; nothing when there were none. */
import type { Logger } from '../shared/process/logger.ts';
import type { ApiMetrics } from './metrics.ts';

export function createCacheUseReport({ reads }: Pick<ApiMetrics, 'reads'>, log: Logger): () => Promise<void> {
  let before = { hit: 0, miss: 0, bypass: 0 };
  return async () => {
    const { values } = await reads.get();
    const now = {
      hit: 0,
      miss: 0,
      bypass: 0,
      ...Object.fromEntries(values.map((one) => [one.labels.cache, one.value])),
    };
    const facts = { hits: now.hit - before.hit, misses: now.miss - before.miss, bypassed: now.bypass - before.bypass };
    before = now;
    const total = facts.hits + facts.misses + facts.bypassed;
    if (total > 0) log.info({ ...facts, hitRate: Math.round((1000 * facts.hits) / total) / 1000 }, 'cache use');
  };
}
