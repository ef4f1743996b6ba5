import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, CommanderError } from 'commander';
import t from 'tap';
import { createProgram } from '../../cli/program.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';
import { withField } from './run-field.ts';

interface Listed {
  readonly path: readonly string[];
  readonly command: Command;
}

function walk(command: Command, path: readonly string[] = []): Listed[] {
  const below = command.commands.flatMap((sub) => walk(sub, [...path, sub.name()]));
  return path.length > 0 ? [{ path, command }, ...below] : below;
}

/** @returns the output of `--help` */
function helpOf(command: Command): string {
  const said: string[] = [];
  command.configureOutput({ writeOut: (text) => void said.push(text) });
  command.outputHelp();
  return said.join('');
}

/** @returns the error with which the parser rejects a command line */
async function refusalOf(args: readonly string[]): Promise<CommanderError> {
  const program = createProgram();
  for (const { command } of [{ command: program }, ...walk(program)]) command.configureOutput({ writeErr: () => {} });
  try {
    await program.parseAsync(['node', 'field', ...args]);
  } catch (error) {
    if (error instanceof CommanderError) return error;
    throw error;
  }
  throw new Error(`field ${args.join(' ')} was not refused`);
}

t.test('every command has a description, an example and a --json option', async (t) => {
  const program = createProgram();
  const all = walk(program);
  t.ok(all.length > 12);
  const overview = helpOf(program);
  for (const { path, command } of all) {
    const name = path.join(' ');
    t.ok(command.description(), `${name} has a description`);
    for (const option of command.options) t.ok(option.description, `${name} ${option.flags} is described`);
    for (const argument of command.registeredArguments) t.ok(argument.description, `${name} ${argument.name()} is`);
    if (command.commands.length === 0) {
      t.ok(
        command.options.some(({ long }) => long === '--json'),
        `${name} has --json`,
      );
    }
    if (path.length > 1) continue;
    t.match(overview, new RegExp(`^  ${name}[ |]`, 'm'), `${name} is listed`);
    t.ok(command.helpGroup(), `${name} is in a group`);
    t.match(
      helpOf(command),
      new RegExp(`Examples?:\\n.*(npx consciousness-field|\\| npx consciousness-field|field) ${name}`, 's'),
      `${name} has an example`,
    );
  }
});

t.test('every command rejects an unknown option and a missing argument', async (t) => {
  for (const { path, command } of walk(createProgram())) {
    const { exitCode, code } = await refusalOf([...path, '--no-such-option']);
    t.not(exitCode, 0, path.join(' '));
    t.match(code, /unknownOption|missing|help/);
    if (command.registeredArguments.some(({ required }) => required)) {
      t.match((await refusalOf(path)).code, 'commander.missing', `${path.join(' ')} needs an argument`);
    }
  }
});

t.test('wrong usage exits with code 2 and an error message', async (t) => {
  const field = await withField(t);
  const wrong: [string[], RegExp][] = [
    [[], /Usage: consciousness-field/],
    [['stat', 'global'], /unknown command 'stat'/],
    [['state'], /missing required argument 'field'/],
    [['conflicts', 'global', '--limit', '51'], /from 1 to 50/],
    [['enqueue', 'nowhere.ndjson'], /nowhere\.ndjson cannot be read/],
    [['migrate', '--down', '--status'], /--down, --status and --roles exclude each other/],
    [['completion', 'tcsh'], /bash, zsh, fish/],
    [['status', '--url', 'ftp://x'], /http/],
  ];
  for (const [args, said] of wrong) {
    const { code, stdout, stderr } = await field(args);
    t.equal(code, 2, `field ${args.join(' ')}`);
    t.match(stderr, said);
    t.equal(stdout, '');
  }
});

t.test('the binary prints its help and exits with code 0', async (t) => {
  const { code, stdout, stderr } = await (await withField(t)).spawn(['--help']).ended;
  t.equal(code, 0);
  t.match(stdout, /^Usage: consciousness-field .*\bdoctor\b.*Exit codes:/s);
  t.equal(stderr, '');
});

t.test('the binary exits with the code of an error', async (t) => {
  const { code, stdout, stderr } = await (await withField(t)).spawn(['state', 'global']).ended;
  t.match({ code, stdout }, { code: 2, stdout: '' });
  t.match(stderr, /^DATABASE_URL is missing/);
});

t.test('the binary exits with code 0 when the reader of its output closes the pipe', async (t) => {
  const running = (await withField(t)).spawn(['completion', 'bash']);
  running.child.stdout?.destroy();
  t.match(await running.ended, { code: 0, stderr: '' });
});

t.test('the first signal ends a command early with its summary and exit code 130', async (t) => {
  const running = (await withField(t)).spawn(['enqueue', '-', '--dry-run', '--device', 'a']);
  running.child.stdin?.write('not JSON\n');
  await waitUntil('the command has read its input', () => running.stderr().includes('is not JSON'), {
    timeoutMs: 60_000,
  });
  running.child.kill('SIGTERM');
  const { code, stdout } = await running.ended;
  t.equal(code, 130);
  t.match(stdout, /1 lines: 0 valid, 1 rejected/);
});

t.test('the binary runs from any folder and through a symbolic link', async (t) => {
  const folder = await withFolder(t);
  const link = join(folder, 'field');
  await symlink(fileURLToPath(new URL('../../cli/field.mjs', import.meta.url)), link);
  const field = await withField(t);
  const { code, stdout, stderr } = await field.spawn(['--version'], { as: link }).ended;
  t.equal(code, 0);
  t.match(stdout, /^\d+\.\d+\.\d+\n$/);
  t.equal(stderr, '', 'there are no warnings');
});
