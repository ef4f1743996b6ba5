/** Creates the logger: pino with redacted secrets, as JSON lines or formatted for a terminal. Messages are constant; facts are fields. */
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { isCompiled } from './package-files.ts';

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
    // The command of a rejected AUTH contains the password.
    'err.command',
    'err.*.command',
  ],
  censor: '[redacted]',
};

export interface CreateLoggerOptions {
  /** The process or component that logs, for example `api`. */
  name: string;
  level: string;
  pretty?: boolean;
  /**
   * Buffers lines and writes them at most ten times a second: one system call for each line costs more than formatting it. Warnings
   * and errors flush the buffer, as does a regular exit; SIGKILL loses up to the last tenth of a second.
   */
  buffered?: boolean;
  /** Called with every line of level error or above, redacted as it is written. Must not throw. */
  onError?: (line: string) => void;
}

/** The beginning of pino's lines of level error or fatal. */
const errorLine = /^\{"level":[56]0,/;

/** In bytes. If the destination does not accept lines, they are buffered up to `maxLength` and then dropped. */
const bufferOptions = {
  sync: false,
  minLength: 32_768,
  maxWrite: 65_536,
  maxLength: 16 * 1024 * 1024,
};
const flushMs = 100;
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
  // pino-pretty is a development dependency: compiled code always writes JSON.
  if (!pretty || isCompiled) return pino(base);
  return pino({
    ...base,
    transport: { target: 'pino-pretty', options: { translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname' } },
  });
}

function createBufferedLogger({ hooks, ...base }: LoggerOptions): Logger {
  const destination = pino.destination(bufferOptions);
  // Not the destination's own `periodicFlush`, which would run ten times a second even while nothing is logged.
  let isFlushDue = false;
  const flush = () => {
    isFlushDue = false;
    destination.flush();
  };
  const logMethod: NonNullable<LoggerOptions['hooks']>['logMethod'] = function (args, method, level) {
    method.apply(this, args);
    // Not `flushSync`, which blocks the event loop until the disk (fsync) or a pipe's reader has accepted the output.
    if (level >= warnLevel) destination.flush();
    if (isFlushDue) return;
    isFlushDue = true;
    setTimeout(flush, flushMs).unref();
  };
  const log = pino({ ...base, hooks: { ...hooks, logMethod } }, destination);
  let dropped = 0;
  destination.on('drop', () => {
    dropped += 1;
  });
  destination.on('drain', () => {
    const lines = dropped;
    dropped = 0;
    if (lines > 0) log.warn({ lines }, 'log lines dropped');
  });
  return log;
}
