/** Publishes deltas of updates that are then never committed, as a worker would that publishes first and dies. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Plant } from './plant.ts';

const field = 'hot' as FieldId;
const times = 40;
const pauseMs = 25;

export const publishBeforeCommit: Plant = {
  expectedViolation: 'watcher',
  async tamper({ observer: { cacheRedis, cache, names } }) {
    // Tried often: a real delta may come first, and then this one is old news.
    for (let time = 0; time < times; time += 1) {
      const from = (await cache.readVersion(field)) ?? 0;
      const metrics = {
        globalResonance: 0.5,
        collectiveIntelligence: 0.5,
        room64Active: false,
        lastUpdate: Date.now(),
      };
      const changes = { particles: {}, cells: { '29,29': 1 }, metrics };
      const delta = JSON.stringify({ type: 'delta', from, to: from + 1, changes, updates: [] });
      await cacheRedis.publish(names.fieldChannel(field), `${from} ${from + 1}\n${delta}`);
      await delay(pauseMs);
    }
  },
};
