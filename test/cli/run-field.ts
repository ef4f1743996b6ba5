/**
 * Runs CLI commands in the process of the test, with no settings but those given. `spawn` runs the
 * real binary instead, for behaviour that needs a process: signals, the exit code and a broken pipe.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { PassThrough, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { CommandContext } from '../../cli/context/command-context.ts';
import { exitCodes } from '../../cli/errors/cli-error.ts';
import { runProgram } from '../../cli/run-program.ts';
import { installedFile } from '../support/processes/modules.ts';
import type { Backing } from '../support/processes/with-worker.ts';
import { withFolder } from '../support/with-folder.ts';

const binary = fileURLToPath(installedFile('cli/field.mjs'));

export interface ExitResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunningCommand {
  readonly stdin: PassThrough;
  /** The output on standard output so far. */
  readonly stdout: () => string;
  /** The output on standard error so far. */
  readonly stderr: () => string;
  /** Has the same effect as the first SIGINT. */
  readonly interrupt: () => void;
  readonly ended: Promise<ExitResult>;
}

interface RunningProcess {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly ended: Promise<ExitResult>;
}

interface RunOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly input?: string | Buffer;
}

interface SpawnOptions extends RunOptions {
  /** The path of the binary, if not the default one. */
  readonly as?: string;
}

type Args = readonly string[];

export interface Field {
  (args: Args, options?: RunOptions): Promise<ExitResult>;
  /** Without `input`, standard input stays open. */
  start(args: Args, options?: RunOptions): RunningCommand;
  spawn(args: Args, options?: SpawnOptions): RunningProcess;
}

/** The CLI in an empty folder, which contains neither a running stack nor a `.env`. */
export async function withField(t: Test, settings: Record<string, string> = {}): Promise<Field> {
  const folder = await withFolder(t);
  const complete = <Options extends RunOptions>(options: Options) => ({
    cwd: folder,
    ...options,
    env: { FIELD_DATA_DIR: folder, ...settings, ...options.env },
  });
  const start = (args: Args, options: RunOptions = {}) => startCommand(args, complete(options));
  const spawn = (args: Args, options: SpawnOptions = {}) => {
    const running = spawnBinary(args, complete(options));
    t.teardown(() => running.child.kill('SIGKILL'));
    return running;
  };
  const run = (args: Args, options: RunOptions = {}) => start(args, { input: '', ...options }).ended;
  return Object.assign(run, { start, spawn });
}

class TextBuffer extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

function startCommand(args: Args, { env, cwd, input }: Required<Pick<RunOptions, 'env' | 'cwd'>> & RunOptions) {
  const [stdin, stdout, stderr] = [new PassThrough(), new TextBuffer(), new TextBuffer()];
  if (input !== undefined) stdin.end(input);
  const shutdown = new AbortController();
  let code: number = exitCodes.ok;
  const context: CommandContext = {
    ...{ env, cwd, stdin, stdout, stderr },
    print: (line) => void stdout.write(`${line}\n`),
    warn: (line) => void stderr.write(`${line}\n`),
    setExitCode: (name) => {
      code = exitCodes[name];
    },
    catchShutdownSignals: () => shutdown.signal,
    // Not of the process of the tests.
    lowerPriority: () => undefined,
  };
  const ended = runProgram(args, context).then(() => ({ code, stdout: stdout.text, stderr: stderr.text }));
  return { stdin, stdout: () => stdout.text, stderr: () => stderr.text, interrupt: () => shutdown.abort(), ended };
}

function spawnBinary(args: Args, { env = {}, cwd, input, as = binary }: SpawnOptions): RunningProcess {
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
  // A command that does not read its input closes the pipe. The error must not fail the test.
  child.stdin.on('error', () => undefined);
  if (input !== undefined) child.stdin.end(input);
  const ended = new Promise<ExitResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
  return { child, ended, stderr: () => output.stderr };
}

/** The addresses of the test's servers, as settings. */
export function settingsOf({ config }: Backing): Record<string, string> {
  const { DATABASE_URL, DATABASE_DIRECT_URL, QUEUE_REDIS_URL, CACHE_REDIS_URL } = config;
  const addresses = { DATABASE_URL, QUEUE_REDIS_URL, CACHE_REDIS_URL };
  return DATABASE_DIRECT_URL ? { ...addresses, DATABASE_DIRECT_URL } : addresses;
}

/** The arguments and the environment with which `restore` reaches a database: a password is not among the arguments. */
export function restoreTarget(databaseUrl: string): { args: string[]; env: Record<string, string> } {
  const url = new URL(databaseUrl);
  const password = decodeURIComponent(url.password);
  url.password = '';
  return { args: ['--database', url.href], env: { PGPASSWORD: password } };
}
