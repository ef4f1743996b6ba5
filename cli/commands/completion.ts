/** Declares `completion`. Its script is generated from the declared commands. */
import { Argument, type Command } from 'commander';
import type { ShellName } from '../completion/render-shells.ts';
import type { CommandContext } from '../context/command-context.ts';

const shells: readonly ShellName[] = ['bash', 'zsh', 'fish'];

const help = `
Where the command is not in the PATH, define an alias first: alias field='npx consciousness-field'

Examples:
  $ source <(npx consciousness-field completion bash)                                  # in ~/.bashrc
  $ source <(npx consciousness-field completion zsh)                                   # in ~/.zshrc, after compinit
  $ npx consciousness-field completion fish > ~/.config/fish/conf.d/consciousness-field.fish`;

export function addCompletionCommand(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .description('Prints a script with which a shell completes commands and options.')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .option('--json', 'print the script as JSON')
    .addHelpText('after', help)
    .action(async (shell: ShellName, { json }: { json?: boolean }) => {
      const { renderCompletion } = await import('../completion/render-shells.ts');
      const { walkCommands } = await import('../completion/walk-commands.ts');
      const script = renderCompletion(shell, walkCommands(program));
      context.print(json ? JSON.stringify({ shell, script }) : script);
    });
}
