/** `npm start`: starts the whole system, prints its addresses, and stops all of it in the end. */
import { existsSync } from 'node:fs';
import { migrate } from '../db/migrations/migrate.ts';
import { ConfigError, directDatabaseUrl, loadConfig } from '../shared/config/config.ts';
import { type EntryPoint, entryPoint, packageFile } from '../shared/process/package-files.ts';
import { onShutdownSignals } from '../shared/process/shutdown-signals.ts';
import type { DataDir } from './data-dir.ts';
import { describeLan, findLanAddress } from './lan-address.ts';
import { buildNodeProcess } from './processes/node-process.ts';
import { findLaunchers, watchLaunchers } from './processes/parent-watcher.ts';
import { createProcessGroup } from './processes/process-group.ts';
import { provisionServers } from './provision-servers.ts';
import { applyRuleSettings } from './rule-settings.ts';
import { runSmokeTest, waitUntilReady } from './smoke-test.ts';
import { describeError, helpText, renderStartupBanner } from './startup-banner.ts';

/** Longer than the shutdown timeout of a process (shared/process/lifecycle.ts). */
const processGraceMs = 25_000;

const knownArguments = ['--lan', '--help', '-h'];
const isOnLan = process.argv.includes('--lan');
const processGroup = createProcessGroup();
const printLine = (line: string) => console.log(line);
let data: DataDir | undefined;

async function run(): Promise<void> {
  const envFile = packageFile('.env');
  if (existsSync(envFile)) process.loadEnvFile(envFile);
  if (isOnLan) process.env.HOST = '0.0.0.0';
  const isProduction = process.env.NODE_ENV === 'production';
  const onOpen = (opened: DataDir) => {
    data = opened;
  };
  const env = isProduction
    ? process.env
    : await provisionServers({ env: process.env, processGroup, printLine, onOpen });
  const config = loadConfig(env);
  const { applied } = await migrate(directDatabaseUrl(config));
  if (applied.length > 0) printLine(`Migrated the database: ${applied.join(', ')}`);
  // A database that is not this stack's own may be in use by others.
  if (!isProduction && !process.env.DATABASE_URL) await applyRuleSettings(config, printLine);

  const worker = await startService('worker', 'workers/main', env);
  // METRICS_PORT is for the worker; the API serves its metrics at /metrics.
  const api = await startService('api', 'api/main', { ...env, METRICS_PORT: '' });
  const serviceExit = Promise.race([worker, api].map(async (ours) => `The ${ours.name} ended (${await ours.exited})`));
  const failed = serviceExit.then((reason) => Promise.reject(new Error(reason)));
  await Promise.race([failed, waitUntilReady(config)]);
  if (config.JWT_SECRET) await Promise.race([failed, runSmokeTest(config, config.JWT_SECRET)]);
  else printLine('No test update was sent, because with JWKS_URL no token can be signed here');
  await data?.writeAddresses(config);
  printLine(await renderStartupBanner(config, data));
  if (isOnLan) printLine(describeLan(findLanAddress(), config.PORT));
  printLine(`ready in ${process.uptime().toFixed(1)} s — Ctrl-C stops everything`);
  await failed;
}

function startService(name: string, entry: EntryPoint, env: NodeJS.ProcessEnv) {
  const imports = [entryPoint('dev/processes/exit-with-parent').href];
  const recordIn = data?.runFolder;
  const options = { name, script: entryPoint(entry).href, imports, env, recordIn, graceMs: processGraceMs };
  return processGroup.start(buildNodeProcess({ ...options, output: 'inherit' }));
}

async function shutDown(exitCode: number): Promise<never> {
  await processGroup.stop();
  data?.release();
  process.exit(exitCode);
}

function fail(error: unknown): void {
  if (processGroup.isStopping) return; // An error of an operation that the shutdown interrupted.
  console.error(error instanceof ConfigError ? error.message : describeError(error));
  void shutDown(1);
}

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  printLine(helpText);
  process.exit(0);
}
const unknownArgument = process.argv.slice(2).find((argument) => !knownArguments.includes(argument));
if (unknownArgument !== undefined) {
  console.error(
    `npm start does not take ${unknownArgument}; it takes ${knownArguments.join(', ')}, and settings from the environment.`,
  );
  process.exit(1);
}
onShutdownSignals(
  () => {
    printLine('Stopping everything (press Ctrl-C again to stop at once)');
    void shutDown(0);
  },
  () => void processGroup.forceStop().then(() => shutDown(1)),
);
watchLaunchers(findLaunchers(), (pid) => {
  if (!processGroup.isStopping) printLine(`The npm that started this (pid ${pid}) has ended: stopping everything`);
  void shutDown(1);
});
process.on('uncaughtException', fail);
await run().catch(fail);
