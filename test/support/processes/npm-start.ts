/** Runs `npm start` of the installed package or of the checkout, with its own data folder and port. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { packageFile } from '../../../shared/process/package-files.ts';
import { waitUntil } from '../wait-until.ts';
import { installedFile } from './modules.ts';

const longTimeout = { timeoutMs: 90_000 };
const unset = {
  DATABASE_URL: '',
  QUEUE_REDIS_URL: '',
  CACHE_REDIS_URL: '',
  JWT_SECRET: '',
  JWKS_URL: '',
  OPEN_REGISTRATION: '',
};

const script = 'dev/start.mjs';
const installed = installedFile(script);
/** `npm start` as it runs in a checkout: TypeScript, which takes twice as long to start. */
export const startOfCheckout = packageFile(script);

/** Starts the process. It is stopped at the end of the test unless it has exited before. */
export function npmStart(t: Test, folder: string, env: NodeJS.ProcessEnv = {}, start = installed) {
  const child = spawn(process.execPath, [fileURLToPath(start)], {
    env: { ...process.env, ...unset, NODE_ENV: 'development', PORT: '0', FIELD_DATA_DIR: folder, ...env },
    stdio: 'pipe',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  t.teardown(async () => {
    child.kill('SIGTERM');
    await waitUntil('npm start has exited', () => child.exitCode !== null || child.signalCode, longTimeout);
  });
  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    output: () => output,
    exited: () => waitUntil('npm start has exited', () => child.exitCode?.toString() ?? child.signalCode, longTimeout),
    async ready() {
      await waitUntil('npm start is ready', () => child.exitCode !== null || /^ready/m.test(output), longTimeout);
      const [, url] = /^ {2}API +(http:\S+)\/api\/$/m.exec(output) ?? [];
      const [, token] = /Bearer (\S+)'/.exec(output) ?? [];
      if (!url || !token) throw new Error(`npm start is not ready:\n${output}`);
      return { url, token };
    },
  };
}
