/** Settings of the measured stack: those of production except for the secret and for limits that would restrict the load. */
export const jwtSecret = 'a secret for the benchmarks alone, of more than 32 bytes';
export const password = 'bench';

export const settings: Readonly<Record<string, string>> = {
  NODE_ENV: 'test',
  LOG_LEVEL: 'info',
  JWT_SECRET: jwtSecret,
  MAX_BACKLOG: '1000000',
  // Rate limits are enforced as in production, but too high to be reached.
  LIMIT_UPDATES: '1000000000',
  LIMIT_READS: '1000000000',
  LIMIT_STREAMS: '1000000000',
  LIMIT_NEW_STREAMS: '1000000000',
  LIMIT_NEW_FIELDS: '0',
  LIMIT_NEW_DEVICES: '0',
};
