/** Creates the logger and the lifecycle of a process. */
import type { Config } from '../config/config.ts';
import { createLifecycle, type Lifecycle } from '../process/lifecycle.ts';
import { createLogger, type Logger } from '../process/logger.ts';
import { ErrorWebhook } from './error-webhook.ts';

interface ProcessLoggerOptions {
  readonly name: string;
  readonly config: Pick<Config, 'LOG_LEVEL' | 'ERROR_WEBHOOK_URL'>;
  readonly pretty: boolean;
}

/** The lifecycle stops on signals. The webhook stops last, so that it reports errors of the shutdown. */
export function createProcessLogger({ name, config, pretty }: ProcessLoggerOptions): {
  log: Logger;
  lifecycle: Lifecycle;
} {
  const { LOG_LEVEL: level, ERROR_WEBHOOK_URL: url } = config;
  const webhook = url ? new ErrorWebhook({ url, service: `field-${name}` }) : undefined;
  const options = { name, level, pretty, ...(webhook ? { onError: (line: string) => webhook.record(line) } : {}) };
  const log = createLogger({ ...options, buffered: !pretty });
  const lifecycle = createLifecycle(log);
  lifecycle.stopOnSignals();
  if (webhook) {
    webhook.log = log;
    lifecycle.onStop('error webhook', () => webhook.close());
  }
  return { log, lifecycle };
}
