/** The API process: reads the configuration, starts the API, and refuses a queue that is not durable enough. */
import { ConfigError, loadConfig } from '../shared/config/config.ts';
import { createProcessLogger } from '../shared/observability/process-logger.ts';
import { checkQueueDurability } from './health/durability-check.ts';
import { startApi } from './server.ts';

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const { log, lifecycle } = createProcessLogger({ name: 'api', config, pretty: process.stdout.isTTY });

  const { address, producer } = await startApi({ config, log, lifecycle });
  log.info({ address }, 'api listening');

  const weakness = await checkQueueDurability({ config, producer, log, lifecycle });
  if (!weakness) return;
  await lifecycle.stop();
  throw new ConfigError([weakness]);
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
});
