/** The page for operators: one glance says whether all is well, and if not, what to do. Without scripts; it loads itself again. */
import type { FieldOverview } from '../../../db/read/field-overview.ts';
import type { QueueStats } from '../../../shared/queue/queue-stats.ts';
import { Html, html } from './html.ts';
import type { Overview } from './read-overview.ts';
import type { Sample } from './samples.ts';

const reloadSeconds = 5;
const chart = { width: 320, height: 60 };

export interface PageOptions {
  /** Where the page itself is, below any prefix of a proxy. */
  readonly basePath: string;
  readonly isReloading: boolean;
}

export function renderOverview(overview: Overview, { basePath, isReloading }: PageOptions): string {
  const { at, findings, database, queue, samples, deadLetters } = overview;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${isReloading ? html`<meta http-equiv="refresh" content="${reloadSeconds}">` : ''}
<title>${findings.length === 0 ? '✓' : `(${findings.length})`} Field operations</title>
<style>${new Html(styles)}</style>
</head>
<body>
<header>
<h1>Field operations</h1>
<nav>
<a href="${basePath}/queues/">Jobs</a>
<a href="${basePath}/overview">JSON</a>
<a href="${basePath}/?reload=${isReloading ? 'off' : 'on'}">${isReloading ? 'Pause' : 'Reload by itself'}</a>
<time datetime="${new Date(at).toISOString()}">${formatTime(at)} UTC</time>
</nav>
</header>
<main>
${renderFindings(overview)}
<section><h2>Queue</h2>
${table(['', 'waiting', 'active', 'delayed', 'failed', 'oldest'], [renderQueue('Redis', queue.redis, at), renderQueue('PostgreSQL', queue.postgres, at)])}
<div class="charts">
${renderChart('Jobs that wait', samples, ({ backlog }) => backlog)}
${renderChart('Updates that this API accepts, a second', samples, ({ acceptedPerSecond }) => acceptedPerSecond)}
</div></section>
${database ? renderDatabase(database, at) : html`<section><h2>Database</h2><p>PostgreSQL does not answer.</p></section>`}
<section><h2>Dead letters</h2>
${
  deadLetters.length === 0
    ? html`<p class="none">None.</p>`
    : table(
        ['when', 'fields', 'devices', 'reason', 'job'],
        deadLetters.map(({ failedAt, fields, devices, reason, queue: name, id }) => [
          formatAge(at - failedAt),
          fields.join(', '),
          devices.join(', '),
          reason,
          html`<a href="${basePath}/queues/queue/${encodeURIComponent(name)}/${encodeURIComponent(id)}">${id}</a>`,
        ]),
      )
}</section>
</main>
</body>
</html>`;
  return page.text;
}

function renderFindings({ findings, status }: Overview): Html {
  if (findings.length === 0) return html`<p class="verdict well" role="status">All is well: ${status}.</p>`;
  return html`<section class="verdict" role="status"><h2>${findings.length === 1 ? 'One thing needs' : `${findings.length} things need`} attention</h2><ul>
${findings.map(({ level, what, advice }) => html`<li class="${level}"><strong>${what}</strong> ${advice}</li>`)}
</ul></section>`;
}

function renderQueue(name: string, stats: QueueStats | undefined, at: number): (string | number)[] {
  if (!stats) return [name, '–', '–', '–', '–', 'no answer, or not used'];
  const { waiting, active, delayed, failed, oldestAt } = stats;
  return [name, waiting, active, delayed, failed, oldestAt === null ? '–' : formatAge(at - oldestAt)];
}

function renderDatabase(
  { workers, fields, totalFields, runs, backups }: NonNullable<Overview['database']>,
  at: number,
): Html {
  return html`<section><h2>Workers</h2>
${
  workers.length === 0
    ? html`<p>None.</p>`
    : table(
        ['session', 'partitions', ''],
        workers.map(({ id, partitions, isSilent }) => [
          id,
          partitions.join(', ') || 'none yet',
          isSilent ? 'silent' : '',
        ]),
      )
}</section>
<section><h2>Fields</h2>
<p class="none">${fields.length < totalFields ? `The ${fields.length} of ${totalFields} that were changed last.` : `${totalFields} in all.`}</p>
${table(
  ['field', 'version', 'conflicts', 'devices', 'active', 'last change'],
  fields.map((field) => renderField(field, at)),
)}</section>
<section><h2>Runs of enqueue</h2>
${
  runs.length === 0
    ? html`<p class="none">None.</p>`
    : table(
        ['name', 'field', 'by', 'status', 'sent', 'started'],
        runs.map(({ name, field, operator, status, counts, startedAt, reportedAt }) => [
          ...[name, field, operator, status === 'running' && at - reportedAt > 10_000 ? 'silent' : status],
          counts.accepted ?? 0,
          formatAge(at - startedAt),
        ]),
      )
}</section>
<section><h2>Backups</h2>
${
  backups.length === 0
    ? html`<p class="none">None that workers have taken.</p>`
    : table(
        ['name', 'taken', 'verified'],
        backups.map(({ name, takenAt, verifiedAt }) => [
          name,
          formatAge(at - takenAt),
          verifiedAt === null ? 'not yet' : formatAge(at - verifiedAt),
        ]),
      )
}</section>`;
}

function renderField({ field, version, conflicts, devices, activeDevices, lastUpdate }: FieldOverview, at: number) {
  const link = html`<a href="/?field=${encodeURIComponent(field)}">${field}</a>`;
  return [link, version, conflicts, devices, activeDevices, formatAge(at - lastUpdate)];
}

function table(columns: readonly string[], rows: readonly (readonly (string | number | Html)[])[]): Html {
  return html`<div class="scroll" tabindex="0"><table><thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** A line of the last hour, or of as much as the process knows. */
function renderChart(
  title: string,
  samples: readonly Sample[],
  readValue: (sample: Sample) => number | undefined,
): Html {
  const points = samples.flatMap((sample) => {
    const value = readValue(sample);
    return value === undefined ? [] : [{ at: sample.at, value }];
  });
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last)
    return html`<figure><figcaption>${title}</figcaption><p class="none">Not measured yet.</p></figure>`;
  const max = Math.max(1, ...points.map(({ value }) => value));
  const span = Math.max(1, last.at - first.at);
  const line = points
    .map(({ at, value }) => {
      const [x, y] = [((at - first.at) / span) * chart.width, chart.height - (value / max) * (chart.height - 4)];
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
  const label = `${title}: now ${formatNumber(last.value)}, at most ${formatNumber(max)} in ${formatAge(span).replace(' ago', '')}`;
  return html`<figure><figcaption>${title}: <b>${formatNumber(last.value)}</b>, at most ${formatNumber(max)} in ${formatAge(span).replace(' ago', '')}</figcaption>
<svg viewBox="0 0 ${chart.width} ${chart.height}" role="img" aria-label="${label}" preserveAspectRatio="none"><polyline points="${line}"/></svg></figure>`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

function formatAge(ms: number): string {
  const [unit, length] = units.find(([, unitMs]) => ms >= unitMs) ?? ['s', 1000];
  return `${Math.max(0, Math.floor(ms / length))} ${unit} ago`;
}

function formatTime(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}

function formatNumber(value: number): string {
  return value >= 10 || Number.isInteger(value) ? Math.round(value).toLocaleString('en') : value.toFixed(1);
}

const styles = `
:root { font: 16px/1.5 system-ui, sans-serif; --line: #8884; --bad: #b3261e; --warn: #7a5600; --well: #1a6b3c; }
@media (prefers-color-scheme: dark) { :root { --bad: #ffb4ab; --warn: #ffd58a; --well: #7fdca4; } }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0 2rem; }
h1 { font-size: 1.4rem; font-weight: 600; }
h2 { margin: 1.6rem 0 0.4rem; font-size: 1.05rem; }
nav { display: flex; gap: 1.2rem; }
nav a, td a { display: inline-block; padding: 0.6rem 0; color: inherit; }
.verdict { margin: 0; padding: 0.8rem 1rem; border: 2px solid var(--warn); border-radius: 0.6rem; }
.verdict.well { border-color: var(--well); color: var(--well); font-weight: 600; }
.verdict h2 { margin: 0; }
.verdict .problem strong { color: var(--bad); }
.verdict .warning strong { color: var(--warn); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 500; opacity: 0.8; white-space: nowrap; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem 2rem; }
figure { margin: 0.8rem 0 0; }
svg { display: block; width: 100%; height: 4rem; border-bottom: 1px solid var(--line); }
polyline { fill: none; stroke: currentColor; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.none { margin: 0; opacity: 0.8; }`;
