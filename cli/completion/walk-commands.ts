/** The commands of the program as a flat list: what may stand where. */
import type { Command } from 'commander';

interface Word {
  readonly text: string;
  readonly description: string;
}

export interface KnownCommand {
  /** Empty for the program itself, else for example `dead list`. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
  /** What its first argument may be, where that is known. */
  readonly choices: readonly Word[];
}

export function walkCommands(command: Command, path: readonly string[] = []): KnownCommand[] {
  const subcommands = command.createHelp().visibleCommands(command);
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
  const here = {
    path: path.join(' '),
    commands: subcommands.map((sub) => ({ text: sub.name(), description: sub.description() })),
    options: optionsOf(command),
    choices: choices.map((text) => ({ text, description: '' })),
  };
  return [here, ...subcommands.flatMap((sub) => walkCommands(sub, [...path, sub.name()]))];
}

function optionsOf(command: Command): Word[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long ? [{ text: long, description }] : []));
}
