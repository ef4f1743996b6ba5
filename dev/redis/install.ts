/** Finds a Redis or Valkey server on this machine, or installs one with the machine's package manager if permitted. */
import { spawnSync } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type StartProcess, startProcess } from '../processes/child-process.ts';
import { findExecutable } from '../processes/find-executable.ts';

/** An interrupted package manager needs time to leave its database consistent. */
const installGraceMs = 60_000;

const servers = ['redis-server', 'valkey-server'];

interface PackageManager {
  command: string;
  /** Alternative lists of commands that install a server, in the order of attempts. */
  recipes: string[][][];
  /** Whether it changes the system and so needs root; brew refuses root. */
  needsRoot: boolean;
}

const packageManagers: PackageManager[] = [
  {
    command: 'apt-get',
    recipes: [[['update'], ['install', '-y', '--no-install-recommends', 'redis-server']]],
    needsRoot: true,
  },
  { command: 'dnf', recipes: [[['install', '-y', 'redis']], [['install', '-y', 'valkey']]], needsRoot: true },
  { command: 'apk', recipes: [[['add', 'redis']], [['add', 'valkey']]], needsRoot: true },
  { command: 'brew', recipes: [[['install', 'redis']]], needsRoot: false },
];

const installHint = [
  'Three ways to get a Redis:',
  '  1. install redis (or valkey) with your package manager, so that redis-server is in the PATH;',
  '  2. docker run -d -p 127.0.0.1:6379:6379 redis:7 redis-server --appendonly yes --appendfsync always',
  '     and set QUEUE_REDIS_URL=redis://127.0.0.1:6379/0 CACHE_REDIS_URL=redis://127.0.0.1:6379/1;',
  '  3. set QUEUE_REDIS_URL and CACHE_REDIS_URL to an existing Redis.',
].join('\n');

export interface InstallOptions {
  /** The folder of `install.log`, the output of the package manager. */
  folder: string;
  start?: StartProcess;
  printLine: (line: string) => void;
}

/** The path of a server, which is installed if necessary. @throws Error that lists the alternatives */
export async function findOrInstallRedis(options: InstallOptions): Promise<string> {
  return findServer() ?? (await install(options));
}

function findServer(): string | undefined {
  for (const name of servers) {
    const path = findExecutable(name);
    if (path) return path;
  }
  return undefined;
}

async function install(options: InstallOptions): Promise<string> {
  const manager = packageManagers.find(({ command }) => findExecutable(command));
  if (!manager)
    throw new Error(`No redis-server or valkey-server found, and no supported package manager.\n${installHint}`);
  const prefix = manager.needsRoot && process.getuid?.() !== 0 ? ['sudo', '-n'] : [];
  if (prefix.length > 0 && !canUseSudo()) {
    throw new Error(`No redis-server or valkey-server found, and installing one needs root.\n${installHint}`);
  }
  for (const recipe of manager.recipes) {
    const commands = recipe.map((args) => [...prefix, manager.command, ...args]);
    const shown = commands.map((command) => command.join(' ')).join(' && ');
    options.printLine(`No redis-server or valkey-server found: installing it with ${manager.command} (${shown})`);
    const failure = await runAll(commands, options);
    const path = findServer();
    if (path) return path;
    options.printLine(failure ?? `${manager.command} succeeded, but did not install ${servers.join(' or ')}`);
  }
  throw new Error(`${manager.command} could not install a Redis.\n${installHint}`);
}

/** Runs the commands one after the other. Returns the output of the first that fails. */
async function runAll(
  commands: string[][],
  { folder, start = startProcess }: InstallOptions,
): Promise<string | undefined> {
  const logFile = join(folder, 'install.log');
  for (const [command = '', ...args] of commands) {
    const log = await open(logFile, 'w', 0o600);
    const installer = await start({
      name: command,
      command,
      args,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      output: log.fd,
      stopSignal: 'SIGINT',
      graceMs: installGraceMs,
    }).finally(() => log.close());
    const ended = await installer.exited;
    if (ended !== 'code 0')
      return `${command} ${args.join(' ')} ended with ${ended}:\n${await readFile(logFile, 'utf8')}`;
  }
  return undefined;
}

function canUseSudo(): boolean {
  return findExecutable('sudo') !== undefined && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
}
