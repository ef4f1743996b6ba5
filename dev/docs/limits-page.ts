/** Renders `docs/limits.md`: every limit of what clients may send, read and occupy, with its error and where it is enforced. */
import { maxInFlightBytes } from '../../api/admission/admission-control.ts';
import { maxStoredBytes, maxUpdates } from '../../api/state/loading/state-loader.ts';
import { maxConcurrent, maxWaiting } from '../../api/state/past-states.ts';
import { maxBufferedBytes } from '../../api/streaming/subscriber.ts';
import { maxLoadedBytes } from '../../db/field-store.ts';
import { maxPageBytes } from '../../db/read/field-reader.ts';
import { configSchema } from '../../shared/config/settings.ts';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import {
  maxParticleBytes,
  maxParticles,
  particleBytesAfterEviction,
  particlesAfterEviction,
} from '../../shared/field/dynamics/eviction.ts';
import { maxTombstoneBytes, maxTombstones } from '../../shared/field/merge-update.ts';
import { maxHotFieldBytes } from '../../workers/commit/hot-field-cache.ts';
import { consumerOptions } from '../../workers/consume/consumer-options.ts';
import { closes, type Limit, limitsOfInput, type Setting } from './limits-of-input.ts';
import { limitsOfPresence } from './limits-of-presence.ts';

const { count: maxDeadLetters, age: deadLetterSeconds } = consumerOptions.removeOnFail;

export const limits: Readonly<Record<string, readonly Limit[]>> = {
  'What a client sends': limitsOfInput,
  'What a user or an address may do': [
    {
      what: 'Points for updates of a user',
      value: 'LIMIT_UPDATES',
      above: 'rate_limited',
      where: 'api/rate-limits/rate-limits.ts',
    },
    {
      what: 'Points for reads of a user',
      value: 'LIMIT_READS',
      above: 'rate_limited',
      where: 'api/rate-limits/rate-limits.ts',
    },
    {
      what: 'Open streams of a user',
      value: 'LIMIT_STREAMS',
      above: 'rate_limited',
      where: 'api/rate-limits/concurrent-stream-limiter.ts',
    },
    {
      what: 'New streams of a user',
      value: 'LIMIT_NEW_STREAMS',
      above: 'rate_limited',
      where: 'api/rate-limits/rate-limits.ts',
    },
    {
      what: 'New fields of a user in a day',
      value: 'LIMIT_NEW_FIELDS',
      above: 'too_many_fields',
      where: 'api/admission/newcomer-limits.ts',
    },
    {
      what: 'Devices of a user in a day',
      value: 'LIMIT_NEW_DEVICES',
      above: 'too_many_devices',
      where: 'api/admission/newcomer-limits.ts',
    },
    {
      what: 'Limits of all users of one address together, as a multiple of those above',
      value: 'LIMIT_ADDRESS_FACTOR',
      above: { effect: '`rate_limited`, `too_many_fields` or `too_many_devices`' },
      where: 'api/rate-limits/caller-limiter.ts',
    },
    {
      what: 'Invalid tokens of an address',
      value: 'LIMIT_FAILED_LOGINS',
      above: 'rate_limited',
      where: 'api/rate-limits/rate-limits.ts',
    },
    {
      what: 'Registrations of an address',
      value: 'LIMIT_REGISTRATIONS',
      above: 'rate_limited',
      where: 'api/rate-limits/rate-limits.ts',
    },
    {
      what: "Days that a viewer's token lives",
      value: 'VIEWER_TOKEN_DAYS',
      above: { effect: 'it is shortened' },
      where: 'api/routes/tokens/viewer-tokens.ts',
    },
  ],
  'What a field keeps': [
    {
      what: 'Particles',
      value: maxParticles,
      above: { effect: `those with the newest writes stay, ${particlesAfterEviction} at most` },
      where: 'shared/field/dynamics/eviction.ts',
    },
    {
      what: 'Bytes of particles (128 each, plus the UTF-8 bytes of id, content and connections)',
      value: maxParticleBytes,
      above: {
        effect: `those with the newest writes stay, ${particleBytesAfterEviction.toLocaleString('en-US')} bytes at most`,
      },
      where: 'shared/field/dynamics/eviction.ts',
    },
    {
      what: 'Tombstones of removed particles',
      value: maxTombstones,
      above: { effect: 'the oldest are purged' },
      where: 'shared/field/merge-update.ts',
    },
    {
      what: 'Bytes of tombstones, counted in the same way',
      value: maxTombstoneBytes,
      above: { effect: 'the oldest are purged' },
      where: 'shared/field/merge-update.ts',
    },
    { what: 'Cells in each direction', value: 'GRID_SIZE', above: 'invalid_input', where: 'shared/contract/update.ts' },
    {
      what: 'Conflicts',
      value: maxKeptConflicts,
      above: { effect: 'the oldest are deleted' },
      where: 'db/write/log-pruning.ts',
    },
    {
      what: 'Days of the log',
      value: 'LOG_RETENTION_DAYS',
      above: 'version_not_kept',
      where: 'db/write/log-pruning.ts',
    },
  ],
  'What presence takes': limitsOfPresence,
  'What a read takes': [
    {
      what: 'Bytes of a page of the log',
      value: maxPageBytes,
      above: { effect: 'the page ends' },
      where: 'db/read/pages/log-page.ts',
    },
    {
      what: 'Updates that `?at=` folds',
      value: maxUpdates,
      above: 'replay_too_large',
      where: 'api/state/loading/state-loader.ts',
    },
    {
      what: 'Stored bytes that `?at=` folds',
      value: maxStoredBytes,
      above: 'replay_too_large',
      where: 'api/state/loading/state-loader.ts',
    },
    {
      what: 'Earlier states that a process computes at once',
      value: maxConcurrent,
      above: { effect: `${maxWaiting} wait, others get \`reads_unavailable\`` },
      where: 'api/state/past-states.ts',
    },
    {
      what: 'Bytes that a stream has sent and its client has not read',
      value: maxBufferedBytes,
      above: closes(1013),
      where: 'api/streaming/subscriber.ts',
    },
  ],
  'What the processes hold': [
    {
      what: 'Unfinished requests in the queue',
      value: 'MAX_BACKLOG',
      above: 'overloaded',
      where: 'api/admission/admission-control.ts',
    },
    {
      what: "Megabytes of the queue's Redis",
      value: 'MAX_QUEUE_MEMORY_MB',
      above: 'overloaded',
      where: 'api/admission/admission-control.ts',
    },
    {
      what: 'Dead-letter jobs of a partition, or of the fallback queue',
      value: maxDeadLetters,
      above: { effect: 'the oldest are deleted' },
      where: 'workers/consume/consumer-options.ts',
    },
    {
      what: 'Days of a dead-letter job',
      value: deadLetterSeconds / 86_400,
      above: { effect: 'it is deleted when another job of its queue fails' },
      where: 'workers/consume/consumer-options.ts',
    },
    {
      what: 'Bytes of requests that an API receives at once',
      value: maxInFlightBytes,
      above: 'overloaded',
      where: 'api/admission/admission-control.ts',
    },
    {
      what: 'Bytes, as PostgreSQL stores them, of the fields that a worker reads at once',
      value: maxLoadedBytes,
      above: { effect: 'they are read and committed one after the other' },
      where: 'db/field-store.ts',
    },
    {
      what: 'Bytes of the fields that a worker keeps in memory',
      value: maxHotFieldBytes,
      above: { effect: 'the least recently used is read again' },
      where: 'workers/commit/hot-field-cache.ts',
    },
  ],
};

const introduction = `# Limits

What clients may send, read and occupy. Limits with a setting can be changed, those of points per window by \`LIMIT_WINDOW_SECONDS\` too; the others are
part of the protocol or of the code. [Security](security.md#rate-limits) explains what costs how many points, [errors](errors.md) the codes.
\`npx consciousness-field doctor\` and the metrics show how near the queue's limits are (\`field_queue_backlog\`), and
how much memory the fields of a worker take (\`field_hot_fields_bytes\`).
`;

export function renderLimitsPage(): string {
  const sections = Object.entries(limits).map(([title, rows]) => {
    const lines = rows.map(renderRow).join('\n');
    return `## ${title}\n\n| limit | value | above it | enforced in |\n|---|---|---|---|\n${lines}\n`;
  });
  return [introduction, ...sections].join('\n');
}

function renderRow({ what, value, above, where }: Limit): string {
  const shown =
    typeof value === 'number' ? formatValue(what, value) : `\`${value}\` (${formatValue(what, defaultOf(value))})`;
  const effect = typeof above === 'string' ? `\`${above}\`` : above.effect;
  return `| ${what} | ${shown} | ${effect} | \`${where}\` |`;
}

function defaultOf(setting: Setting): number {
  return Number(configSchema.shape[setting].safeParse(undefined).data);
}

const kibi = 1024;

/** Formats whole numbers of KiB and MiB in these units. */
function formatValue(what: string, value: number): string {
  if (what.startsWith('Bytes') || what.startsWith('Stored bytes')) {
    if (value >= kibi * kibi && value % (kibi * kibi) === 0) return `${value / (kibi * kibi)} MiB`;
    if (value >= kibi && value % kibi === 0) return `${value / kibi} KiB`;
  }
  return value.toLocaleString('en-US');
}
