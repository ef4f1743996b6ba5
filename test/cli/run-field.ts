/** Runs `field` as a process of its own, as a shell would: only with the settings that it is given. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { Backing } from '../support/processes/with-worker.ts';
import { withFolder } from '../support/with-folder.ts';

const program = fileURLToPath(new URL('../../cli/field.mjs', import.meta.url));

interface ExitResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunningField {
  readonly child: ChildProcess;
  readonly ended: Promise<ExitResult>;
  /** What it has said on standard error so far. */
  readonly stderr: () => string;
}

interface RunOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly input?: string | Buffer;
  /** Another path to the program. */
  readonly as?: string;
}

export type Field = (args: readonly string[], options?: RunOptions) => Promise<ExitResult>;

/** `field` in an empty folder, where no stack and no `.env` is found. */
export async function withField(
  t: Test,
  settings: Record<string, string> = {},
): Promise<Field & { start: StartField }> {
  const folder = await withFolder(t);
  const start: StartField = (args, options = {}) => {
    const running = startField(args, {
      cwd: folder,
      ...options,
      env: { FIELD_DATA_DIR: folder, ...settings, ...options.env },
    });
    t.teardown(() => running.child.kill('SIGKILL'));
    return running;
  };
  return Object.assign(async (args: readonly string[], options?: RunOptions) => start(args, options).ended, { start });
}

type StartField = (args: readonly string[], options?: RunOptions) => RunningField;

function startField(args: readonly string[], { env = {}, cwd, input, as = program }: RunOptions): RunningField {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  const child = spawn(process.execPath, [as, ...args], {
    cwd,
    env: { PATH, HOME, ...(TMPDIR ? { TMPDIR } : {}), ...env },
    stdio: 'pipe',
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  // Input that it does not read is no failure of the test's.
  child.stdin.on('error', () => undefined);
  if (input !== undefined) child.stdin.end(input);
  const ended = new Promise<ExitResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
  return { child, ended, stderr: () => output.stderr };
}

/** The addresses of a backing, as settings. */
export function settingsOf({ config }: Backing): Record<string, string> {
  const { DATABASE_URL, DATABASE_DIRECT_URL, QUEUE_REDIS_URL, CACHE_REDIS_URL } = config;
  const addresses = { DATABASE_URL, QUEUE_REDIS_URL, CACHE_REDIS_URL };
  return DATABASE_DIRECT_URL ? { ...addresses, DATABASE_DIRECT_URL } : addresses;
}
