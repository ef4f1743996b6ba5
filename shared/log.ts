/** The log: pino, with secrets redacted. JSON lines, or pretty on a terminal. A sentence constant, facts in fields. */
import { type DestinationStream, type Logger, pino } from 'pino';

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

export interface LogOptions {
  /** The process or room that speaks, for example `api`. */
  name: string;
  level: string;
  pretty?: boolean;
  /** Is given every line of level error or above, as it is written: redacted. Must not throw. */
  onError?: (line: string) => void;
}

/** How pino begins a line of level error or fatal. */
const errorLine = /^\{"level":[56]0,/;

export function createLog(
  { name, level, pretty = false, onError }: LogOptions,
  destination?: DestinationStream,
): Logger {
  const streamWrite = (line: string) => {
    if (errorLine.test(line)) onError?.(line);
    return line;
  };
  const base = { name, level, redact, ...(onError ? { hooks: { streamWrite } } : {}) };
  if (destination) return pino(base, destination);
  if (!pretty) return pino(base);
  return pino({
    ...base,
    transport: { target: 'pino-pretty', options: { translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname' } },
  });
}
