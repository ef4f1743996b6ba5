/** Declares `completion`. Its script is generated from the declared commands. */
import { Argument, type Command } from 'commander';
import type { ShellName } from '../completion/render-shells.ts';
import type { CommandContext } from '../context/command-context.ts';

const shells: readonly ShellName[] = ['bash', 'zsh', 'fish'];

const help = `
Names of fields are read from the database in DATABASE_URL. If it does not respond within a second, none are offered.

If the command is not in the PATH, define an alias first: alias field='npx consciousness-field'

Examples:
  $ source <(npx consciousness-field completion bash)                                  # in ~/.bashrc
  $ source <(npx consciousness-field completion zsh)                                   # in ~/.zshrc, after compinit
  $ npx consciousness-field completion fish > ~/.config/fish/conf.d/consciousness-field.fish`;

export function addCompletionCommand(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .description('Prints a script with which a shell completes commands, options and the names of fields.')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .option('--fields <prefix>', 'print the fields that begin with this; the script calls the command with it')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', help)
    .action(async (shell: ShellName, { fields: prefix, json }: { fields?: string; json?: boolean }) => {
      if (prefix !== undefined) {
        const { offerFields } = await import('../completion/offer-fields.ts');
        const fields = await offerFields(prefix, context);
        if (json) context.print(JSON.stringify({ fields }));
        else for (const field of fields) context.print(field);
        return;
      }
      const { renderCompletion } = await import('../completion/render-shells.ts');
      const { walkCommands } = await import('../completion/walk-commands.ts');
      const script = renderCompletion(shell, walkCommands(program));
      context.print(json ? JSON.stringify({ shell, script }) : script);
    });
}
