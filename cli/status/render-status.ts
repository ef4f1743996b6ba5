/** A status for people. Speeds come from the difference to the status before. */
import type { QueueCounts } from '../../shared/queue-counts.ts';
import { renderTable } from '../output/render-table.ts';
import { isAway, type Status } from './read-status.ts';

const queueHead = ['queue', 'waiting', 'active', 'retrying', 'failed', 'oldest', ''];
const fieldHead = ['field', 'version', 'updates/s', 'devices', 'active', 'conflicts', 'last update'];

export function renderStatus(status: Status, before: Status | undefined): string {
  const { redis, postgres, streams, at } = status;
  const queues = [
    queueHead,
    isAway(redis) ? ['Redis', redis.away] : toQueueRow('Redis', redis.queue, at),
    isAway(postgres) ? ['PostgreSQL', postgres.away] : toQueueRow('PostgreSQL', postgres.fallback, at),
  ];
  const facts = [
    `workers ${isAway(redis) ? 'not known' : redis.workers}`,
    `streams ${streams ?? 'not known'}`,
    ...(isAway(postgres)
      ? []
      : [`fields ${postgres.totalFields}`, `not yet in the cache ${postgres.unpublishedFields}`]),
  ];
  const head = `${new Date(at).toISOString()}  ${facts.join(', ')}`;
  const speeds = updatesPerSecond(status, before);
  if (isAway(postgres)) return [head, renderTable(queues)].join('\n\n');
  const fields = postgres.fields.map(({ field, version, devices, activeDevices, conflicts, lastUpdate }) => [
    field,
    String(version),
    speeds[field]?.toFixed(1) ?? '',
    String(devices),
    String(activeDevices),
    String(conflicts),
    new Date(lastUpdate).toISOString(),
  ]);
  return [head, renderTable(queues), renderTable([fieldHead, ...fields])].join('\n\n');
}

function toQueueRow(name: string, counts: QueueCounts, now: number): string[] {
  const { waiting, active, delayed, failed, stalled, oldestAt, isPaused } = counts;
  const oldest = oldestAt === null ? '' : `${Math.max(0, (now - oldestAt) / 1000).toFixed(1)} s`;
  const notes = [...(isPaused ? ['paused'] : []), ...(stalled > 0 ? [`${stalled} stalled`] : [])].join(', ');
  return [name, ...[waiting, active, delayed, failed].map(String), oldest, notes];
}

/** By field; of those that are in both. */
export function updatesPerSecond(status: Status, before: Status | undefined): Record<string, number> {
  if (!before || isAway(status.postgres) || isAway(before.postgres)) return {};
  const seconds = (status.at - before.at) / 1000;
  const versions = new Map(before.postgres.fields.map(({ field, version }) => [field, version]));
  const speeds = status.postgres.fields.flatMap(({ field, version }) => {
    const earlier = versions.get(field);
    return earlier === undefined ? [] : [[field, (version - earlier) / seconds]];
  });
  return Object.fromEntries(speeds);
}
