/** The summary of a run of `enqueue`, as a table or as JSON. */
import { maxParticles } from '../../shared/field/dynamics/eviction.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { renderTable } from '../output/render-table.ts';
import { formatCount, pluralize } from '../text/format-numbers.ts';
import type { EnqueueCounts } from './counts.ts';
import type { LineReport } from './input/line-report.ts';
import type { HeldParticles } from './written-particles.ts';

export interface EnqueueSummary {
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly seconds: number;
  /** Whether the input was processed to the end. */
  readonly complete: boolean;
  /** The version of the field at the end; undefined for a dry run. */
  readonly version?: number;
  /** The id of the run's record. */
  readonly run?: string;
  /** How many of the written particles the field holds; undefined if there were none, or the run did not wait. */
  readonly particles?: HeldParticles | undefined;
}

interface SummaryOptions {
  readonly field: FieldId;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function renderSummary(summary: EnqueueSummary, options: SummaryOptions): string {
  return options.dryRun ? renderDryRun(summary, options) : renderRun(summary, options);
}

function renderDryRun({ counts, report, complete }: EnqueueSummary, { json }: SummaryOptions): string {
  const { lines, refused, skipped } = counts;
  const good = lines - refused - skipped;
  if (json) return JSON.stringify({ lines, good, refused, complete, problems: report.shown });
  return `${lines} lines: ${good} valid, ${refused} rejected; nothing was sent`;
}

function renderRun(
  { counts, report, complete, version, particles, run, ...summary }: EnqueueSummary,
  { field, json }: SummaryOptions,
): string {
  const seconds = Math.round(summary.seconds * 10) / 10;
  const updatesPerSecond = Math.round((counts.accepted + counts.duplicates) / summary.seconds);
  if (json) {
    const held = particles ? { particles } : {};
    return JSON.stringify({
      ...{ run, field, version, ...counts, ...held, seconds, updatesPerSecond, complete, problems: report.shown },
    });
  }
  const at = version === undefined ? '' : `version ${version}`;
  return renderTable([
    ...toRows(counts),
    ...(particles ? [describeParticles(particles)] : []),
    ['field', field, at],
    ['time', `${seconds} s`, `${pluralize(updatesPerSecond, 'update')}/s`],
  ]);
}

function describeParticles({ written, held, inField }: HeldParticles): string[] {
  const gone = written - held;
  const limit = `a field keeps at most ${formatCount(maxParticles)} particles and 4 MiB of them, those with the newest writes`;
  const note = gone > 0 ? `${pluralize(gone, 'written particle')} not among them: ${limit}` : '';
  return ['held', String(inField), note];
}

function toRows(counts: EnqueueCounts): string[][] {
  const notes: [keyof EnqueueCounts, string][] = [
    ['lines', ''],
    ['skipped', 'lines of an exported log without an update'],
    ['accepted', `in ${pluralize(counts.jobs, 'job')}`],
    ['applied', ''],
    ['conflicts', 'applied, in conflict with a concurrent write'],
    ['superseded', 'applied, but older than a write of the same device'],
    ['duplicates', 'applied before, and not again'],
    ['reused', 'not applied: the counter was used with different content'],
    ['refused', 'rejected, see the lines above'],
    ['adjusted', 'timestamps in the future, clamped to now'],
  ];
  const shown = notes.filter(([name]) => name !== 'skipped' || counts.skipped > 0);
  return shown.map(([name, note]) => [name, String(counts[name]), counts[name] > 0 ? note : '']);
}
