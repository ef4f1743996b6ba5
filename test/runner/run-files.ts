/**
 * Runs compiled test files as tap's own runner does, each in a process of its own. Tap's runner would also record which
 * modules every test loads, which nothing here needs and which more than doubles the time that each process takes to start.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TapConfig } from '@tapjs/config';
import { report } from '@tapjs/reporter';
import { t } from 'tap';
import { patient } from '../support/wait-until.ts';

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
}

const { TEST_BUILD: build = '', TEST_COUNTS: countsFile = '', NODE_OPTIONS = '' } = process.env;
const config = await TapConfig.load();
const { values, positionals: files } = config.parse();
const hasReporter = values.reporter !== 'tap';

async function runFile(file: string): Promise<TestCounts> {
  const module = join(build, file.replace(/\.ts$/, '.js'));
  const timeoutMs = patient((values.timeout ?? 0) * 1000);
  // `env` removes the loader with which tap records modules from the options of Node again. Each file has a limit of its own as well.
  const variables = [`NODE_OPTIONS=${NODE_OPTIONS}`, `TAP_TIMEOUT=${timeoutMs / 1000}`];
  const args = [...variables, process.execPath, '--enable-source-maps', module];
  const results = await t.spawn('env', args, {
    name: file,
    at: null,
    stack: '',
    buffered: true,
    timeout: timeoutMs,
    stdio: hasReporter ? 'pipe' : 'inherit',
  });
  if (!results) return { passed: 0, failed: 1 };
  // A file that crashed or timed out between two tests counts as one failed.
  return { passed: results.pass - results.skip, failed: Math.max(results.fail, results.ok ? 0 : 1) };
}

t.setTimeout(0);
t.jobs = values.jobs ?? 1;
if (hasReporter) void report(values.reporter ?? 'base', t, config);
const counts = await Promise.all(files.map(runFile));
const sum = (key: keyof TestCounts) => counts.reduce((total, { [key]: count }) => total + count, 0);
await writeFile(countsFile, JSON.stringify({ passed: sum('passed'), failed: sum('failed') } satisfies TestCounts));
