/** Finds the system that `npm start` runs, or starts one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { packageFile } from '../../shared/process/package-files.ts';

const pollMs = 500;
const startDeadlineMs = 180_000;

export interface Stack {
  readonly url: string;
  /** Stops the system if it was started here. */
  stop(): Promise<void>;
}

/** @throws when no system runs and none can be started */
export async function findOrStartStack(isOnLan: boolean): Promise<Stack> {
  const running = await findRunning();
  if (running !== undefined) return { url: running, stop: async () => undefined };
  const started = spawn(
    process.execPath,
    [fileURLToPath(packageFile('dev/start.mjs')), ...(isOnLan ? ['--lan'] : [])],
    {
      // Ctrl-C in the terminal reaches the child as well.
      stdio: ['ignore', 'inherit', 'inherit'],
      // Otherwise the log lines of the devices' requests would scroll the addresses out of view.
      env: { LOG_LEVEL: 'warn', ...process.env },
    },
  );
  const stop = () => stopProcess(started);
  const deadline = Date.now() + startDeadlineMs;
  while (started.exitCode === null && Date.now() < deadline) {
    const url = await findRunning();
    if (url !== undefined) return { url, stop };
    await delay(pollMs);
  }
  await stop();
  throw new Error('npm start did not get ready: see above');
}

async function stopProcess(started: ChildProcess): Promise<void> {
  if (started.exitCode !== null || started.signalCode !== null) return;
  const exited = once(started, 'exit');
  started.kill('SIGTERM');
  await exited;
}

/** A system removes its file when it stops, but one that was killed leaves it behind. */
async function findRunning(): Promise<string | undefined> {
  const folder = process.env.FIELD_DATA_DIR ?? fileURLToPath(packageFile('.field'));
  const text = await readFile(join(folder, 'stack.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { API_URL: url } = JSON.parse(text) as { readonly API_URL?: string };
  if (url === undefined) return undefined;
  const isReady = await fetch(`${url}/api/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
  return isReady ? url : undefined;
}
