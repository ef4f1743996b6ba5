/** `field completion`: what a shell needs to complete the command, made from the program itself. */
import { Argument, type Command } from 'commander';
import { renderBash, renderFish, renderZsh } from './render-shells.ts';
import { walkCommands } from './walk-commands.ts';

const shells = { bash: renderBash, zsh: renderZsh, fish: renderFish } as const;
const names = Object.keys(shells) as (keyof typeof shells)[];

const help = `
Where \`field\` is not in the PATH, let it be an alias first: alias field='npx field'

Examples:
  $ source <(npx field completion bash)                                  # in ~/.bashrc
  $ source <(npx field completion zsh)                                   # in ~/.zshrc, after compinit
  $ npx field completion fish > ~/.config/fish/completions/field.fish`;

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
