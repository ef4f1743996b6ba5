/** Reads and writes `RESULTS.json`, which has one entry per benchmark with its environment, and renders `RESULTS.md` from it. */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Findings, Table } from '../bench.ts';
import { renderPlot } from './plot.ts';
import { renderTable, targetsTable } from './table.ts';

export interface BenchResult extends Findings {
  readonly name: string;
  readonly about: string;
  readonly command: string;
  readonly measuredAt: string;
  readonly commit: string;
  readonly seconds: number;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Peak memory of each process, in MB. */
  readonly peakMemoryMb: Readonly<Record<string, number>>;
  /** The summary of `field verify` at the end of the run. */
  readonly verified: string;
}

const jsonFile = fileURLToPath(new URL('../RESULTS.json', import.meta.url));
const plotFolder = fileURLToPath(new URL('../../docs/performance', import.meta.url));
const textFile = fileURLToPath(new URL('../RESULTS.md', import.meta.url));

export async function readResults(): Promise<BenchResult[]> {
  try {
    return (JSON.parse(await readFile(jsonFile, 'utf8')) as { benches: BenchResult[] }).benches;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Replaces the previous results of the same benchmarks. */
export async function writeResults(results: readonly BenchResult[], order: readonly string[]): Promise<void> {
  const kept = (await readResults()).filter(({ name }) => !results.some((result) => result.name === name));
  const all = [...kept, ...results].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  await writeFile(jsonFile, `${JSON.stringify({ benches: all }, null, 2)}\n`);
  await writeFile(textFile, renderResults(all));
  await mkdir(plotFolder, { recursive: true });
  for (const plot of results.flatMap(({ plots = [] }) => plots)) {
    await writeFile(join(plotFolder, plot.file), renderPlot(plot));
  }
}

function renderResults(results: readonly BenchResult[]): string {
  const intro =
    '# Results\n\nThe latest measurements. For their interpretation, see ' +
    '[docs/performance.md](../docs/performance.md). Written by `npm run bench`; do not edit.';
  const targets = renderTable(targetsTable(results.flatMap((result) => result.targets)));
  return `${[intro, targets, ...results.map(renderResult)].join('\n\n')}\n`;
}

function renderResult(result: BenchResult): string {
  const { name, about, command, measuredAt, commit, seconds, machine, versions, verified } = result;
  const where = Object.entries(versions).map(([what, version]) => `${what} ${version}`);
  return [
    `## ${name}`,
    `${about}.`,
    ...result.tables.map(renderTable),
    renderTable(memoryTable(result)),
    `\`${command}\` at ${commit}, ${measuredAt}, ${seconds} s, on ${machine}; ${where.join(', ')}. At the end: ${verified}.`,
  ].join('\n\n');
}

function memoryTable({ peakMemoryMb }: BenchResult): Table {
  const entries = Object.entries(peakMemoryMb);
  return {
    title: 'Peak memory, in MB',
    columns: entries.map(([name]) => name),
    rows: [entries.map(([, megabytes]) => Math.round(megabytes))],
  };
}

export function describeMachine(): string {
  const [first] = cpus();
  return `${cpus().length} × ${first?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
}

/** The measured commit, marked if the work tree has changes. */
export function readCommit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  try {
    const isDirty = git('status', '--porcelain', '--', ':!bench/RESULTS.*', ':!docs') !== '';
    return `${git('rev-parse', '--short=10', 'HEAD')}${isDirty ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}
