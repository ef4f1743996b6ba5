/** Starts an API or a worker as a separate process, for tests that kill it. */
import type { Test } from 'tap';
import { type RunningProcess, startProcess } from '../../../dev/processes/child-process.ts';
import { buildComponentProcess, type Component } from './component-process.ts';
import type { Backing } from './with-worker.ts';

/** Starts a component on a backing. The process exits when this process does. */
export async function withProcess(
  t: Test,
  component: Component,
  backing: Backing,
  env: Record<string, string> = {},
): Promise<RunningProcess> {
  const { config } = backing;
  const running = await startProcess(
    buildComponentProcess({
      component,
      env: { ...process.env, ...settingsOf(config), ...env },
      output: process.env.TEST_LOG_LEVEL ? 'inherit' : 'ignore',
      graceMs: 10_000,
    }),
  );
  t.teardown(() => running.stop());
  return running;
}

/** The environment with which a child process connects to the same servers. */
function settingsOf(config: Backing['config']): Record<string, string> {
  const { openRegistration, isProduction, ...settings } = config;
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
}
