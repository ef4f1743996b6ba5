/**
 * Chooses the user of PostgreSQL, which refuses to run as root. Under root it runs as another user, with capabilities to
 * traverse folders that are closed to that user (a checkout in /root) where the system permits.
 */
import { readFileSync, statSync } from 'node:fs';
import type { ProcessOptions, StartProcess } from '../processes/child-process.ts';

/** How to start a command as a certain user. */
type Launch = Pick<ProcessOptions, 'command' | 'args' | 'uid' | 'gid'>;
type AsUser = (command: string, args: readonly string[]) => Launch;

export interface PostgresUser {
  /** The required owner of the data; undefined when this process is not root and runs PostgreSQL as itself. */
  owner?: Owner;
  asUser: AsUser;
}

interface Owner {
  name: string;
  uid: number;
  gid: number;
}

export interface ChoosePostgresUserDeps {
  /** An existing folder. If its owner is not root, PostgreSQL runs as that owner. */
  dataDir: string;
  /** The user must be able to enter this folder and run this binary. */
  folder: string;
  binary: string;
  start: StartProcess;
  printLine: (line: string) => void;
}

const remedies =
  'Move the project to a folder that other users may enter, run as another user, or set DATABASE_URL to an existing PostgreSQL.';

export async function choosePostgresUser(deps: ChoosePostgresUserDeps): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return { asUser: (command, args) => ({ command, args }) };
  const owner = readDataOwner(deps.dataDir) ?? findUser('postgres') ?? (await createUser(deps)) ?? findUser('nobody');
  if (!owner) throw new Error(`PostgreSQL does not run as root, and there is no other user here. ${remedies}`);
  for (const asUser of listUserSwitches(owner)) {
    if (await canReachAll(asUser, deps)) return { owner, asUser };
  }
  const { folder, binary } = deps;
  throw new Error(`The user ${owner.name}, as whom PostgreSQL runs, cannot reach ${folder} or ${binary}. ${remedies}`);
}

/**
 * The alternatives in the order in which they are tried. The capabilities permit the user to traverse closed folders; access(2),
 * with which PostgreSQL finds its own files, ignores them unless `no_setuid_fixup` is set.
 */
function listUserSwitches({ uid, gid }: Owner): AsUser[] {
  const setpriv =
    (...options: string[]): AsUser =>
    (command, args) => ({
      command: 'setpriv',
      args: [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...options, command, ...args],
    });
  const grantCapabilities = (caps: string) => [
    `--inh-caps=${caps}`,
    `--ambient-caps=${caps}`,
    '--securebits=+no_setuid_fixup',
  ];
  return [
    setpriv(),
    (command, args) => ({ command, args, uid, gid }), // Without setpriv, or with that of busybox.
    setpriv(...grantCapabilities('+dac_override,+dac_read_search')),
    setpriv(...grantCapabilities('+dac_override')), // The capabilities of a container.
  ];
}

async function canReachAll(asUser: AsUser, { folder, binary, start }: ChoosePostgresUserDeps): Promise<boolean> {
  const attempt = asUser('/bin/sh', ['-c', 'cd "$1" && "$2" --version', 'sh', folder, binary]);
  return (await runToExit(attempt, start)) === 'code 0';
}

function readDataOwner(dataDir: string): Owner | undefined {
  const { uid, gid } = statSync(dataDir);
  return uid === 0 ? undefined : { name: String(uid), uid, gid };
}

function findUser(wanted: string): Owner | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name = '', , uid, gid] = line.split(':');
    if (name === wanted) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

async function createUser({ start, printLine }: ChoosePostgresUserDeps): Promise<Owner | undefined> {
  printLine('PostgreSQL does not run as root: creating the system user postgres for it');
  const common = ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', 'postgres'];
  await runToExit({ command: 'useradd', args: common }, start);
  if (!findUser('postgres')) await runToExit({ command: 'adduser', args: ['-S', '-D', '-H', 'postgres'] }, start); // Alpine
  const created = findUser('postgres');
  if (!created) printLine('The user postgres could not be created: running PostgreSQL as nobody');
  return created;
}

/** The exit status of the command, or `not started` when it does not exist. */
async function runToExit(launch: Launch, start: StartProcess): Promise<string> {
  const env = { PATH: process.env.PATH };
  const options: ProcessOptions = {
    ...launch,
    name: launch.command,
    env,
    cwd: '/',
    output: 'ignore',
    stopSignal: 'SIGTERM',
    graceMs: 5000,
  };
  const child = await start(options).catch((error: Error) => error);
  return child instanceof Error ? 'not started' : child.exited;
}
