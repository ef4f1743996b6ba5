/** `npm start`: brings up the whole system, says where it is, and takes all of it down again. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { migrate } from '../db/migrations/migrate.ts';
import { ConfigError, directDatabaseUrl, loadConfig } from '../shared/config/config.ts';
import { onStopSignals } from '../shared/process/shutdown-signals.ts';
import type { DataDir } from './data-dir.ts';
import { nodeProcess } from './processes/node-process.ts';
import { findLaunchers, watchLaunchers } from './processes/parent-watcher.ts';
import { createProcessStack } from './processes/process-group.ts';
import { prepareDevelopment } from './provision-servers.ts';
import { proveAnUpdate, waitUntilReady } from './smoke-test.ts';
import { describeError, describeRun, HELP } from './startup-banner.ts';

/** More than a process gives its own shutdown (shared/process/lifecycle.ts). */
const PROCESS_GRACE_MS = 25_000;

const stack = createProcessStack();
const say = (line: string) => console.log(line);
let data: DataDir | undefined;

async function run(): Promise<void> {
  const envFile = fileURLToPath(new URL('../.env', import.meta.url));
  if (existsSync(envFile)) process.loadEnvFile(envFile);
  const isProduction = process.env.NODE_ENV === 'production';
  const onOpen = (opened: DataDir) => {
    data = opened;
  };
  const env = isProduction ? process.env : await prepareDevelopment({ env: process.env, stack, say, onOpen });
  const config = loadConfig(env);
  const { applied } = await migrate(directDatabaseUrl(config));
  if (applied.length > 0) say(`Migrated the database: ${applied.join(', ')}`);

  const worker = await startOurs('worker', '../workers/main.ts', env);
  // The port for metrics is the worker's: the API shows its own at /metrics.
  const api = await startOurs('api', '../api/main.ts', { ...env, METRICS_PORT: '' });
  const died = Promise.race([worker, api].map(async (ours) => `The ${ours.name} ended (${await ours.exited})`));
  const failed = died.then((reason) => Promise.reject(new Error(reason)));
  await Promise.race([failed, waitUntilReady(config)]);
  if (config.JWT_SECRET) await Promise.race([failed, proveAnUpdate(config, config.JWT_SECRET)]);
  else say('With JWKS_URL no token can be made here, so that no update was sent to see it go through');
  await data?.writeAddresses(config);
  say(await describeRun(config, data));
  say(`ready in ${process.uptime().toFixed(1)} s — Ctrl-C stops everything`);
  await failed;
}

function startOurs(name: string, script: string, env: NodeJS.ProcessEnv) {
  const imports = [import.meta.resolve('./processes/exit-with-parent.ts')];
  const recordIn = data?.runFolder;
  const spec = { name, script: import.meta.resolve(script), imports, env, recordIn, graceMs: PROCESS_GRACE_MS };
  return stack.start(nodeProcess({ ...spec, output: 'inherit' }));
}

async function finish(exitCode: number): Promise<never> {
  await stack.stop();
  data?.release();
  process.exit(exitCode);
}

function fail(error: unknown): void {
  if (stack.stopping) return; // What was under way when everything was told to stop.
  console.error(error instanceof ConfigError ? error.message : describeError(error));
  void finish(1);
}

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  say(HELP);
  process.exit(0);
}
onStopSignals(
  () => {
    say('Stopping everything (Ctrl-C again: at once)');
    void finish(0);
  },
  () => void stack.force().then(() => finish(1)),
);
watchLaunchers(findLaunchers(), (pid) => {
  if (!stack.stopping) say(`The npm that started this is gone (pid ${pid}): stopping everything`);
  void finish(1);
});
process.on('uncaughtException', fail);
await run().catch(fail);
