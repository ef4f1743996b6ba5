/** The settings of the stack that is measured: those of production, but for the secret and what would stand in the way. */
export const jwtSecret = 'a secret for the benchmarks alone, of more than 32 bytes';
export const password = 'bench';

export const settings: Readonly<Record<string, string>> = {
  NODE_ENV: 'test',
  LOG_LEVEL: 'info',
  JWT_SECRET: jwtSecret,
  MAX_BACKLOG: '1000000',
  // Counted as in production, and met by nobody.
  LIMIT_UPDATES: '1000000000',
  LIMIT_READS: '1000000000',
  LIMIT_STREAMS: '1000000000',
  LIMIT_NEW_STREAMS: '1000000000',
};
