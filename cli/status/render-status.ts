/** A status for people. Rates are computed from the previous status. */
import type { DetailedQueueStats } from '../../shared/queue/queue-stats.ts';
import { renderTable } from '../output/render-table.ts';
import { isUnreachable, type Status } from './read-status.ts';

const queueHead = ['queue', 'waiting', 'active', 'retrying', 'failed', 'oldest', ''];
const fieldHead = ['field', 'version', 'updates/s', 'devices', 'active', 'conflicts', 'last update'];

export function renderStatus(status: Status, previous: Status | undefined): string {
  const { redis, postgres, streams, at } = status;
  const queues = [
    queueHead,
    isUnreachable(redis) ? ['Redis', redis.unreachable] : toQueueRow('Redis', redis.queue, at),
    isUnreachable(postgres) ? ['PostgreSQL', postgres.unreachable] : toQueueRow('PostgreSQL', postgres.fallback, at),
  ];
  const facts = [
    `workers ${isUnreachable(postgres) ? 'unknown' : postgres.workers}`,
    `streams ${streams ?? 'unknown'}`,
    ...(isUnreachable(postgres)
      ? []
      : [`fields ${postgres.totalFields}`, `not yet published ${postgres.unpublishedFields}`]),
  ];
  const head = `${new Date(at).toISOString()}  ${facts.join(', ')}`;
  const rates = computeUpdatesPerSecond(status, previous);
  if (isUnreachable(postgres)) return [head, renderTable(queues)].join('\n\n');
  const fields = postgres.fields.map(({ field, version, devices, activeDevices, conflicts, lastUpdate }) => [
    field,
    String(version),
    rates[field]?.toFixed(1) ?? '',
    String(devices),
    String(activeDevices),
    String(conflicts),
    new Date(lastUpdate).toISOString(),
  ]);
  return [head, renderTable(queues), renderTable([fieldHead, ...fields])].join('\n\n');
}

function toQueueRow(name: string, counts: DetailedQueueStats, now: number): string[] {
  const { waiting, active, delayed, failed, stalled, oldestAt, isPaused } = counts;
  const oldest = oldestAt === null ? '' : `${Math.max(0, (now - oldestAt) / 1000).toFixed(1)} s`;
  const notes = [...(isPaused ? ['paused'] : []), ...(stalled > 0 ? [`${stalled} stalled`] : [])].join(', ');
  return [name, ...[waiting, active, delayed, failed].map(String), oldest, notes];
}

/** Updates per second by field, for the fields in both statuses. */
export function computeUpdatesPerSecond(status: Status, previous: Status | undefined): Record<string, number> {
  if (!previous || isUnreachable(status.postgres) || isUnreachable(previous.postgres)) return {};
  const seconds = (status.at - previous.at) / 1000;
  const versions = new Map(previous.postgres.fields.map(({ field, version }) => [field, version]));
  const rates = status.postgres.fields.flatMap(({ field, version }) => {
    const previousVersion = versions.get(field);
    return previousVersion === undefined ? [] : [[field, (version - previousVersion) / seconds]];
  });
  return Object.fromEntries(rates);
}
