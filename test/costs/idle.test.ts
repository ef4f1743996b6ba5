/** Budgets for what an API and a worker cost while nothing happens: how often they wake up. */
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { readContextSwitchesOfTrees } from '../../bench/measure/process-usage.ts';
import { median } from '../../bench/measure/statistics.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { waitUntil } from '../support/wait-until.ts';

const budgets = { api: 32, workers: 32 } as const;
const windows = 6;

/** How often a process wakes up a second: the median of windows, since what follows its start takes the first ones. */
async function countWakeUps(pid: number): Promise<number> {
  const read = () => readContextSwitchesOfTrees([pid]).get(pid)?.voluntary ?? 0;
  const counts: number[] = [];
  for (let window = 0; window < windows; window += 1) {
    const [before, startedAt] = [read(), performance.now()];
    await delay(1000);
    counts.push((1000 * (read() - before)) / (performance.now() - startedAt));
  }
  return median(counts);
}

async function checkBudget(t: Test, component: keyof typeof budgets, pid: number): Promise<void> {
  const wakeUps = await countWakeUps(pid);
  t.ok(
    wakeUps > 0 && wakeUps <= budgets[component],
    `${component}: ${Math.round(wakeUps)} of ${budgets[component]} a second`,
  );
}

t.test('idle processes wake up seldom', { skip: process.platform === 'linux' ? false : 'needs /proc' }, async (t) => {
  const backing = await withBacking(t);
  const [port, metricsPort] = [await findFreePort(), await findFreePort()];
  const worker = await withProcess(t, 'workers', backing, { METRICS_PORT: String(metricsPort) });
  const api = await withProcess(t, 'api', backing, { PORT: String(port) });
  for (const url of [`http://127.0.0.1:${port}/api/health/ready`, `http://127.0.0.1:${metricsPort}/health/ready`]) {
    await waitUntil(`${url} is ready`, async () => (await fetch(url)).ok, { timeoutMs: 60_000 });
  }
  await Promise.all([checkBudget(t, 'api', api.pid), checkBudget(t, 'workers', worker.pid)]);
});
