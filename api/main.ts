/** The API process: reads the configuration, starts the API, and refuses servers that are not durable enough. */
import { ConfigError, loadConfig } from '../shared/config/config.ts';
import { createProcessLogger } from '../shared/observability/process-logger.ts';
import { checkDurability } from './health/durability-check.ts';
import { startApi } from './server.ts';

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const { log, lifecycle } = createProcessLogger({ name: 'api', config, pretty: process.stdout.isTTY });

  const { address, producer, commitDurability } = await startApi({ config, log, lifecycle });
  log.info({ address }, 'api listening');

  const queueDurability = producer.durability;
  const problems = await checkDurability({ config, queueDurability, commitDurability, log, lifecycle });
  if (problems.length === 0) return;
  await lifecycle.stop();
  throw new ConfigError(problems);
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
