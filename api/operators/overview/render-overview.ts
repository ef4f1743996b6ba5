/** The first page for operators: one glance says whether all is well, and if not, what to do. */
import { type RunChange, type RunStatus, runChanges } from '../../../db/operators/enqueue-run.ts';
import type { FieldOverview } from '../../../db/read/field-overview.ts';
import { estimateQuantile } from '../../../shared/observability/traffic.ts';
import type { QueueStats } from '../../../shared/queue/queue-stats.ts';
import { renderLetter } from '../dead-letters/render-dead-letters.ts';
import { renderChart } from '../pages/charts.ts';
import { hiddenInputs } from '../pages/form.ts';
import { formatAge, formatBytes, formatClock, formatDuration, formatMs, formatNumber } from '../pages/format.ts';
import { type Html, html } from '../pages/html.ts';
import { type Cell, type PageFrame, renderLong, renderPage, renderTable } from '../pages/layout.ts';
import { toQuery } from '../pages/query.ts';
import type { Overview } from './read-overview.ts';
import type { Sample } from './samples.ts';

/** A run of enqueue reports every second. */
const silentRunMs = 10_000;

interface OverviewPage extends PageFrame {
  readonly isReloading: boolean;
}

export function renderOverview(overview: Overview, { basePath, canWrite, isReloading }: OverviewPage): string {
  const { at, findings } = overview;
  return renderPage({
    basePath,
    path: '/',
    title: `${findings.length === 0 ? '✓' : `(${findings.length})`} Field operations`,
    isLive: isReloading,
    tools: html`<a href="${basePath}/overview">JSON</a><a href="${basePath}/?reload=${isReloading ? 'off' : 'on'}">${isReloading ? 'Pause' : 'Resume'}</a><time datetime="${new Date(at).toISOString()}">${formatClock(at)} UTC</time>`,
    content: renderContent(overview, { basePath, canWrite }),
  });
}

function renderContent(overview: Overview, frame: PageFrame): Html {
  const { basePath } = frame;
  const { at, database, deadLetters } = overview;
  return html`${renderFindings(overview)}
${renderTiles(overview)}
${renderTraffic(overview)}
${renderQueues(overview)}
${database ? renderDatabase(database, at, frame) : html`<section class="card"><h2>Database</h2><p class="none">PostgreSQL does not answer.</p></section>`}
${card(
  'Dead letters',
  deadLetters,
  html`${renderTable({
    label: 'The newest dead letters',
    columns: ['failed', 'job', 'field', 'device', 'user', 'updates', 'reason'],
    numbers: [5],
    rows: deadLetters.map((letter) => renderLetter(letter, basePath)),
  })}<p class="note"><a href="${basePath}/dead-letters">Search, retry and discard</a></p>`,
)}`;
}

function renderFindings({ findings, status }: Overview): Html {
  if (findings.length === 0)
    return html`<p class="verdict well" role="status"><strong>All is well:</strong> ${status}.</p>`;
  const kind = findings.some(({ level }) => level === 'problem') ? 'problems' : 'warnings';
  return html`<section class="verdict ${kind}" role="status"><h2>${findings.length === 1 ? 'One thing needs' : `${findings.length} things need`} attention</h2><ul>
${findings.map(({ level, what, advice }) => html`<li class="${level}"><strong>${what}</strong> ${advice}</li>`)}
</ul></section>`;
}

function renderTiles({ at, queue, database, traffic }: Overview): Html {
  const stats = [queue.redis, queue.postgres].filter((each) => each !== undefined);
  const sum = (read: (each: QueueStats) => number) => stats.reduce((total, each) => total + read(each), 0);
  const oldestAt = Math.min(...stats.map((each) => each.oldestAt ?? Number.POSITIVE_INFINITY));
  const p99 = estimateQuantile(traffic.at(-1)?.latencies ?? [], 0.99);
  const failed = sum((each) => each.failed);
  const tiles: readonly (readonly [name: string, value: string, isBad?: boolean])[] = [
    [
      'Jobs waiting',
      stats.length === 0 ? '–' : formatNumber(sum(({ waiting, active, delayed }) => waiting + active + delayed)),
    ],
    ['Oldest job', Number.isFinite(oldestAt) ? formatDuration(at - oldestAt) : '–'],
    ['Updates a second', formatNumber((traffic.at(-1)?.updates ?? 0) / 60)],
    ['99 % visible within', p99 === undefined ? '–' : formatMs(p99)],
    ['Workers', database ? formatNumber(database.workers.length) : '–', database?.workers.length === 0],
    ['Fields', database ? formatNumber(database.totalFields) : '–'],
    ['Dead letters', stats.length === 0 ? '–' : formatNumber(failed), failed > 0],
  ];
  return html`<dl class="tiles">${tiles.map(([name, value, isBad]) => html`<div class="${isBad ? 'bad' : ''}"><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** The traffic of all workers, by minute. A minute without requests has no latency. */
function renderTraffic({ traffic }: Overview): Html {
  const rates = traffic.map(({ at, updates }) => ({ at, value: updates / 60 }));
  const [first, last] = [traffic[0], traffic.at(-1)];
  const span = first && last ? { span: { from: first.at, to: last.at } } : {};
  const conflicts = traffic.map(({ at, conflicts: count }) => ({ at, value: count }));
  const latency = (quantile: number) =>
    traffic.flatMap(({ at, latencies }) => {
      const value = estimateQuantile(latencies, quantile);
      return value === undefined ? [] : [{ at, value }];
    });
  return html`<section class="card"><h2>The last hour, all processes</h2>
<div class="charts">
${renderChart({ title: 'Updates applied, a second', lines: [{ points: rates }] })}
${renderChart({
  title: 'Accepted until visible',
  lines: [
    { name: 'half within', points: latency(0.5) },
    { name: '99 % within', points: latency(0.99) },
  ],
  format: formatMs,
  ...span,
})}
${renderChart({ title: 'Conflicts, a minute', lines: [{ points: conflicts }] })}
</div></section>`;
}

function renderQueues({ at, queue, samples }: Overview): Html {
  const row = (name: string, stats: QueueStats | undefined): Cell[] => {
    if (!stats) return [name, '–', '–', '–', '–', 'no answer, or not used'];
    const { waiting, active, delayed, failed, oldestAt } = stats;
    return [name, waiting, active, delayed, failed, oldestAt === null ? '–' : formatAge(at - oldestAt)];
  };
  return html`<section class="card"><h2>Queue</h2>
<div class="charts">
${renderSamples('Jobs that wait', samples, ({ backlog }) => backlog)}
${renderSamples('Updates that this API accepts, a second', samples, ({ acceptedPerSecond }) => acceptedPerSecond)}
</div>
${renderTable({
  label: 'Queues',
  columns: ['queue', 'waiting', 'active', 'delayed', 'failed', 'oldest'],
  numbers: [1, 2, 3, 4, 5],
  rows: [row('Redis', queue.redis), row('PostgreSQL', queue.postgres)],
})}</section>`;
}

function renderSamples(
  title: string,
  samples: readonly Sample[],
  readValue: (sample: Sample) => number | undefined,
): Html {
  const points = samples.flatMap((sample) => {
    const value = readValue(sample);
    return value === undefined ? [] : [{ at: sample.at, value }];
  });
  return renderChart({ title, lines: [{ points }] });
}

function renderDatabase(
  database: NonNullable<Overview['database']>,
  at: number,
  { basePath, canWrite }: PageFrame,
): Html {
  const { workers, fields, totalFields, runs, backups, webhooks, conflicts, devices } = database;
  const workerTable = renderTable({
    label: 'Workers',
    columns: ['process', 'partitions', 'state'],
    rows: workers.map(({ id, partitions, isSilent }) => [
      id,
      partitions.length === 0 ? 'none' : partitions.join(', '),
      isSilent ? 'silent' : 'running',
    ]),
  });
  const runTable = renderTable({
    label: 'Runs of enqueue',
    columns: ['name', 'field', 'by', 'status', 'sent', 'started', ...(canWrite ? ['change'] : [])],
    numbers: [4, 5],
    rows: runs.map(({ id, name, field, operator, status, counts, startedAt, reportedAt }) => [
      ...[name, field, operator, status === 'running' && at - reportedAt > silentRunMs ? 'silent' : status],
      counts.accepted ?? 0,
      formatAge(at - startedAt),
      ...(canWrite ? [renderChanges({ id, name, status }, basePath)] : []),
    ]),
  });
  const backupTable = renderTable({
    label: 'Backups',
    columns: ['name', 'taken', 'verified'],
    rows: backups.map(({ name, takenAt, verifiedAt }) => [
      name,
      formatAge(at - takenAt),
      verifiedAt === null ? 'not yet' : formatAge(at - verifiedAt),
    ]),
  });
  const webhookTable = renderTable({
    label: 'Webhooks',
    columns: ['receiver', 'status', 'delivered', 'failed', 'dead letters'],
    numbers: [3, 4],
    rows: webhooks.map(({ host, status, deliveredAt, attempts, deadLetters }) => [
      ...[host, status, deliveredAt === null ? 'never' : formatAge(at - deliveredAt), attempts, deadLetters],
    ]),
  });
  const fieldTable = renderTable({
    label: 'Fields',
    columns: ['field', 'updates in an hour', 'size', 'version', 'conflicts', 'devices', 'active', 'last change'],
    numbers: [1, 2, 3, 4, 5, 6, 7],
    rows: fields.toSorted((a, b) => b.updates - a.updates).map((field) => renderField(field, at, basePath)),
  });
  const linkTo = (filter: Record<string, string | number>, text: string) =>
    html`<a href="${basePath}/search${toQuery(filter)}">${text}</a>`;
  const conflictTable = renderTable({
    label: 'Newest conflicts',
    columns: ['when', 'field', 'register', 'devices', 'resolution'],
    rows: conflicts.map(({ field, cell, local, remote, resolution, time }) => [
      html`<span class="nowrap">${formatAge(at - time)}</span>`,
      linkTo({ field, outcome: 'conflict' }, field),
      renderLong(cell),
      html`${linkTo({ field, device: local }, local)}, ${linkTo({ field, device: remote }, remote)}`,
      resolution,
    ]),
  });
  const deviceTable = renderTable({
    label: 'Devices heard last',
    columns: ['device', 'field', 'counter', 'heard'],
    numbers: [2, 3],
    rows: devices.map(({ device, field, counter, heardAt }) => [
      linkTo({ device }, device),
      field,
      counter,
      formatAge(at - heardAt),
    ]),
  });
  return html`${card(`Fields: the ${fields.length} of ${totalFields} that changed last`, fields, fieldTable)}
<div class="columns">${card('Newest conflicts', conflicts, conflictTable)}${card('Devices heard last', devices, deviceTable)}</div>
<div class="columns">${card('Workers', workers, workerTable)}${card('Backups', backups, backupTable)}${card('Webhooks', webhooks, webhookTable)}</div>
${card('Runs of enqueue', runs, runTable)}`;
}

function renderChanges(
  { id: run, name, status }: { id: string; name: string; status: RunStatus },
  basePath: string,
): Html {
  const possible = (Object.keys(runChanges) as RunChange[]).filter((change) =>
    (runChanges[change].from as readonly RunStatus[]).includes(status),
  );
  return html`${possible.map(
    (change) =>
      html`<form class="inline" method="post" action="${basePath}/runs/${change}">${hiddenInputs({ run })}<button aria-label="${change} ${name}">${change}</button></form> `,
  )}`;
}

function card(title: string, rows: readonly unknown[], content: Html): Html {
  return html`<section class="card"><h2>${title}</h2>${rows.length === 0 ? html`<p class="none">None.</p>` : content}</section>`;
}

function renderField(overview: FieldOverview, at: number, basePath: string) {
  const { field, updates, bytes, version, conflicts, devices, activeDevices, lastUpdate } = overview;
  const link = html`<a href="${basePath}/../?field=${encodeURIComponent(field)}">${field}</a>`;
  const counts = [updates, version, conflicts, devices, activeDevices].map(formatNumber);
  return [
    link,
    counts[0] ?? '',
    formatBytes(bytes),
    ...counts.slice(1),
    lastUpdate === 0 ? '–' : formatAge(at - lastUpdate),
  ];
}
