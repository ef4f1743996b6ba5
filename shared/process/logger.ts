/** The log: pino, with secrets redacted. JSON lines, or pretty on a terminal. A sentence constant, facts in fields. */
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

export type { Logger } from 'pino';

const redact = {
  paths: [
    'req.headers.authorization',
    'req.headers.cookie',
    'req.headers["sec-websocket-protocol"]',
    'token',
    'password',
    '*.token',
    '*.password',
    '*.secret',
    'err.config',
    // Of a refused AUTH, its password.
    'err.command',
    'err.*.command',
  ],
  censor: '[redacted]',
};

export interface CreateLoggerOptions {
  /** The process or room that speaks, for example `api`. */
  name: string;
  level: string;
  pretty?: boolean;
  /**
   * Writes lines together, ten times a second: a write to the kernel for each costs more than making it. Warnings and worse
   * set out at once, with all before them, and so does everything when the process ends by itself; who kills it takes
   * the last tenth of a second.
   */
  buffered?: boolean;
  /** Is given every line of level error or above, as it is written: redacted. Must not throw. */
  onError?: (line: string) => void;
}

/** How pino begins a line of level error or fatal. */
const errorLine = /^\{"level":[56]0,/;

/** In bytes, and ms. What nobody takes is kept up to `maxLength`, and then dropped: a log must not fill the memory. */
const bufferOptions = {
  sync: false,
  minLength: 32_768,
  maxWrite: 65_536,
  periodicFlush: 100,
  maxLength: 16 * 1024 * 1024,
};
const warnLevel = 40;

export function createLogger(
  { name, level, pretty = false, buffered = false, onError }: CreateLoggerOptions,
  destination?: DestinationStream,
): Logger {
  const streamWrite = (line: string) => {
    if (errorLine.test(line)) onError?.(line);
    return line;
  };
  const base = { name, level, redact, ...(onError ? { hooks: { streamWrite } } : {}) };
  if (destination) return pino(base, destination);
  if (buffered) return createBufferedLogger(base);
  if (!pretty) return pino(base);
  return pino({
    ...base,
    transport: { target: 'pino-pretty', options: { translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname' } },
  });
}

function createBufferedLogger({ hooks, ...base }: LoggerOptions): Logger {
  const destination = pino.destination(bufferOptions);
  const logMethod: NonNullable<LoggerOptions['hooks']>['logMethod'] = function (args, method, level) {
    method.apply(this, args);
    // Not `flushSync`: that waits for the disk (fsync), or for whoever reads our output, and nothing else is done meanwhile.
    if (level >= warnLevel) destination.flush();
  };
  const log = pino({ ...base, hooks: { ...hooks, logMethod } }, destination);
  let dropped = 0;
  destination.on('drop', () => {
    dropped += 1;
  });
  destination.on('drain', () => {
    const lines = dropped;
    dropped = 0;
    if (lines > 0) log.warn({ lines }, 'lines of the log were dropped, since nobody took them');
  });
  return log;
}
