/**
 * The API process: reads the configuration, starts the API, and refuses servers that are not durable enough and settings that
 * differ from those of the installation.
 */
import { type Config, ConfigError, loadConfig } from '../shared/config/config.ts';
import { createProcessLogger } from '../shared/observability/process-logger.ts';
import type { Lifecycle } from '../shared/process/lifecycle.ts';
import type { Logger } from '../shared/process/logger.ts';
import { checkDurability } from './health/durability-check.ts';
import { checkRuleSettings } from './health/rule-settings-check.ts';
import { startApi } from './server.ts';

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const { log, lifecycle } = createProcessLogger({ name: 'api', config, pretty: process.stdout.isTTY });
  await lifecycle.runStart(() => start(config, log, lifecycle));
}

async function start(config: Config, log: Logger, lifecycle: Lifecycle): Promise<void> {
  const { address, producer, commitDurability, readRuleSettings } = await startApi({ config, log, lifecycle });
  log.info({ address }, 'api listening');

  const stopOnProblems = async (problems: readonly string[]): Promise<void> => {
    if (problems.length === 0) return;
    await lifecycle.stop();
    throw new ConfigError(problems);
  };
  const queueDurability = producer.durability;
  await Promise.all([
    checkDurability({ config, queueDurability, commitDurability, log, lifecycle }).then(stopOnProblems),
    checkRuleSettings({ config, readRuleSettings, lifecycle }).then(stopOnProblems),
  ]);
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
