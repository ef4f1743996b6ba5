/** Logs with the logger that every process uses, in the way that its argument names. For tests that watch from outside. */
import { createProcessLogger } from '../../../shared/observability/process-logger.ts';

const { log } = createProcessLogger({ name: 'test', config: { LOG_LEVEL: 'info' }, pretty: false });

const ways: Record<string, () => void> = {
  /** Blocks the event loop, so only what was written synchronously with the warning arrives. */
  blocked() {
    log.info('one');
    log.warn('two');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  living() {
    log.info('three');
    setInterval(() => undefined, 1000);
  },
  exiting() {
    log.info('the last');
    process.exit(3);
  },
  crashing() {
    log.info('the last');
    throw new Error('not caught');
  },
  ending() {
    log.info('the last');
  },
  /** More lines than the pipe and the buffer hold. */
  flooding() {
    for (let line = 0; line < 30_000; line++) log.warn({ text: 'x'.repeat(1000) }, 'not read');
    setImmediate(() => console.error('not blocked'));
  },
};
ways[process.argv[2] ?? '']?.();
