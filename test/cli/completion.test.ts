import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { renderBash, renderFish, renderZsh } from '../../cli/completion/render-shells.ts';
import { walkCommands } from '../../cli/completion/walk-commands.ts';
import { createProgram } from '../../cli/program.ts';
import { withFolder } from '../support/with-folder.ts';

const commands = walkCommands(createProgram());

/** The completions that bash offers for these words, of which the last is incomplete. */
function offeredByBash(...words: string[]): string[] {
  const typed = words.map((word) => `'${word}'`).join(' ');
  const script = `${renderBash(commands)}\nCOMP_WORDS=(${typed}); COMP_CWORD=${words.length - 1}; _field; echo "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split(/\s+/);
}

t.test('bash completes commands, subcommands, options and fixed values', async (t) => {
  const names = createProgram().commands.map((command) => command.name());
  t.same(
    offeredByBash('field', '').filter((word) => !word.startsWith('-')),
    names,
  );
  t.same(offeredByBash('field', 'dead-letters', ''), ['list', 'show', 'retry', 'discard', '--help']);
  t.same(offeredByBash('field', 'dead-letters', 'retry', '--a'), ['--all']);
  t.same(offeredByBash('field', 'enqueue', 'a.ndjson', '--fi'), ['--field']);
  t.same(offeredByBash('field', 'completion', 'z'), ['zsh']);
  t.same(offeredByBash('field', 'nonsense', 'dead-letters', 'li'), ['list']);
});

const scripts = { bash: renderBash(commands), zsh: renderZsh(commands), fish: renderFish(commands) };

/** Bash is always available. The other shells are tested where they are installed. */
const isMissing = (shell: string) => spawnSync(shell, ['--version']).error && `${shell} is not installed`;

for (const [shell, script] of Object.entries(scripts)) {
  t.test(`${shell} parses its completion script`, { skip: isMissing(shell) ?? false }, async (t) => {
    const file = join(await withFolder(t), 'script');
    await writeFile(file, script);
    const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    t.match({ status, stderr }, { status: 0, stderr: '' });
  });
}

t.test('fish completes subcommands, options and fixed values', { skip: isMissing('fish') ?? false }, async (t) => {
  const offered = (line: string) => {
    const script = `${scripts.fish}\ncomplete -C '${line}'`;
    const { stdout } = spawnSync('fish', ['--no-config', '-c', script], { encoding: 'utf8' });
    return stdout.split('\n').flatMap((found) => (found ? [found.split('\t')[0]] : []));
  };
  t.same(offered('field dead-letters re'), ['retry']);
  t.same(offered('field dead-letters retry --al'), ['--all']);
  t.same(offered('field completion z'), ['zsh']);
});

t.test('every completion script contains every command and option', async (t) => {
  for (const { path, options } of commands) {
    for (const script of Object.values(scripts)) {
      t.ok(script.includes(`'${path}`) || script.includes(`\\'${path}`), `${path} is known`);
      for (const { text } of options) t.ok(script.includes(text.slice(2)), `${path} ${text} is known`);
    }
  }
});
