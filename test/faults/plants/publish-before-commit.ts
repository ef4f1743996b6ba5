/** Publishes deltas that are never committed, like a worker that publishes first and then crashes. */
import { setTimeout as delay } from 'node:timers/promises';
import { encodeChangeMessage } from '../../../shared/cache/change-message.ts';
import { emptyHash, formatCursor, versionOf } from '../../../shared/field/cursor.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Plant } from './plant.ts';

const field = 'hot' as FieldId;
const attempts = 40;
const pauseMs = 25;

export const publishBeforeCommit: Plant = {
  // The API notices within seconds that the log has no such cursor, and sends a snapshot with that reason.
  expectedViolation: 'anomaly',
  async tamper({ observer: { cacheRedis, cache, keys } }) {
    // Repeated, because a real delta may be delivered first, and then this one is ignored as outdated.
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const from = (await cache.readCursor(field)) ?? formatCursor(0, emptyHash);
      const to = formatCursor(versionOf(from) + 1, emptyHash);
      const metrics = {
        globalResonance: 0.5,
        collectiveIntelligence: 0.5,
        room64Active: false,
        lastUpdate: Date.now(),
      };
      const changes = { particles: {}, cells: { '29,29': 1 }, metrics };
      const delta = JSON.stringify({ type: 'delta', from, to, maxTimestamp: 0, changes, updates: [] });
      await cacheRedis.publish(keys.fieldChannel(field), encodeChangeMessage({ from, to, delta }));
      await delay(pauseMs);
    }
  },
};
