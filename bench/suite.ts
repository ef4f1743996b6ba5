/** Runs benchmarks one after another, and verifies that no update was lost. */
import type { Redis } from 'ioredis';
import { createLogger } from '../shared/process/logger.ts';
import { connectRedis } from '../shared/redis/connect.ts';
import type { Bench } from './bench.ts';
import { type BenchResult, describeMachine, readCommit } from './report/results.ts';
import { renderTable } from './report/table.ts';
import { type BenchStack, startBenchStack } from './stack/bench-stack.ts';

export interface SuiteOptions {
  readonly chosen: readonly Bench[];
  readonly isQuick: boolean;
  readonly profileFolder: string | undefined;
  readonly printLine: (line: string) => void;
  /** Called with every stack as soon as it is running. */
  readonly onStack: (stack: BenchStack) => void;
  readonly onResult: (result: BenchResult) => Promise<void>;
}

/** Runs each benchmark on its own stack, or, in a quick run, all of them on one. */
export async function runSuite(options: SuiteOptions): Promise<void> {
  const groups = options.isQuick ? [options.chosen] : options.chosen.map((bench) => [bench]);
  for (const group of groups) await runGroup(group, options);
}

async function runGroup(
  group: readonly Bench[],
  { isQuick, profileFolder, printLine, onStack, onResult }: SuiteOptions,
): Promise<void> {
  const startedAt = performance.now();
  const stack = await startBenchStack({ printLine, profileFolder });
  onStack(stack);
  const printerFor = (name: string) => (line: string) =>
    printLine(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${name}  ${line}`);
  try {
    const results: Omit<BenchResult, 'verified' | 'seconds'>[] = [];
    const common = { machine: describeMachine(), versions: await readVersions(stack), commit: readCommit() };
    for (const bench of group) {
      const { tables, targets, plots } = await bench.run({ stack, isQuick, printLine: printerFor(bench.name) });
      const { name, about } = bench;
      const peakMemoryMb = Object.fromEntries(stack.usage.readPeaks());
      const command = `npm run bench -- ${name}${isQuick ? ' --quick' : ''}`;
      results.push({
        name,
        about,
        command,
        measuredAt: new Date().toISOString(),
        ...common,
        tables,
        targets,
        plots,
        peakMemoryMb,
      });
      for (const table of tables) printLine(`\n${renderTable(table)}\n`);
    }
    const verified = await stack.verify();
    printerFor(group.map(({ name }) => name).join(', '))(verified);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    for (const result of results) await onResult({ ...result, verified, seconds });
  } finally {
    await stack.stop();
  }
}

async function readVersions({ db, urls }: BenchStack): Promise<Record<string, string>> {
  const { rows } = await db.query<{ server_version: string }>('SHOW server_version');
  const redis: Redis = connectRedis(urls.queue, 'bench', createLogger({ name: 'bench', level: 'silent' }), {});
  const redisVersion = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
  redis.disconnect();
  return { Node: process.version, PostgreSQL: rows[0]?.server_version ?? 'unknown', Redis: redisVersion };
}
