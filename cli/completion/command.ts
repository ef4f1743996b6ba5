/** `field completion`: what a shell needs to complete the command, made from the program itself. */
import { Argument, type Command } from 'commander';
import { renderBash, renderFish, renderZsh } from './render-shells.ts';
import { walkCommands } from './walk-commands.ts';

const shells = { bash: renderBash, zsh: renderZsh, fish: renderFish } as const;
const names = Object.keys(shells) as (keyof typeof shells)[];

const help = `
Where the command is not in the PATH, define an alias first: alias field='npx consciousness-field'

Examples:
  $ source <(npx consciousness-field completion bash)                                  # in ~/.bashrc
  $ source <(npx consciousness-field completion zsh)                                   # in ~/.zshrc, after compinit
  $ npx consciousness-field completion fish > ~/.config/fish/conf.d/consciousness-field.fish`;

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('Prints what a shell needs to complete commands and options.')
    .addArgument(new Argument('<shell>', 'which shell').choices(names))
    .option('--json', 'prints the script as JSON')
    .addHelpText('after', help)
    .action((shell: keyof typeof shells, { json }: { json?: boolean }) => {
      const script = shells[shell](walkCommands(program));
      console.log(json ? JSON.stringify({ shell, script }) : script);
    });
}
