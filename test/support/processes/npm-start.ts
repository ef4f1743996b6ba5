/** `npm start` as a person would run it, with a data folder and a port of the test's own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { waitUntil } from '../wait-until.ts';

const SLOW = { timeoutMs: 90_000 };
const unset = {
  DATABASE_URL: '',
  QUEUE_REDIS_URL: '',
  CACHE_REDIS_URL: '',
  JWT_SECRET: '',
  JWKS_URL: '',
  OPEN_REGISTRATION: '',
};

/** Starts it; it is stopped when the test ends, unless it has ended before. */
export function npmStart(t: Test, folder: string, env: NodeJS.ProcessEnv = {}) {
  const script = fileURLToPath(new URL('../../../dev/start.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script], {
    env: { ...process.env, ...unset, NODE_ENV: 'development', PORT: '0', FIELD_DATA_DIR: folder, ...env },
    stdio: 'pipe',
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  }
  t.teardown(async () => {
    child.kill('SIGTERM');
    await waitUntil('npm start has ended', () => child.exitCode !== null || child.signalCode, SLOW);
  });
  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    said: () => said,
    ended: () => waitUntil('npm start has ended', () => child.exitCode?.toString() ?? child.signalCode, SLOW),
    async ready() {
      await waitUntil('npm start is ready', () => child.exitCode !== null || /^ready/m.test(said), SLOW);
      const [, url] = /^ {2}API +(http:\S+)\/api\/$/m.exec(said) ?? [];
      const [, token] = /Bearer (\S+)'/.exec(said) ?? [];
      if (!url || !token) throw new Error(`npm start is not ready:\n${said}`);
      return { url, token };
    },
  };
}
