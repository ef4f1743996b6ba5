/** The commands of the program as a flat list with what may follow each. */
import type { Command } from 'commander';

interface CompletionWord {
  readonly text: string;
  readonly description: string;
}

export interface CommandEntry {
  /** Empty for the program itself, otherwise for example `dead-letters list`. */
  readonly path: string;
  readonly commands: readonly CompletionWord[];
  readonly options: readonly CompletionWord[];
  /** The possible values of its arguments, where they are known. */
  readonly choices: readonly CompletionWord[];
  /** How many arguments come before the one that is a field; undefined if none is. */
  readonly fieldPosition: number | undefined;
}

/** The option whose value is a field, whatever the command. */
export const fieldOption = '--field';

export function walkCommands(command: Command, path: readonly string[] = []): CommandEntry[] {
  const subcommands = command.createHelp().visibleCommands(command);
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
  const position = command.registeredArguments.findIndex((argument) => argument.name() === 'field');
  const here = {
    fieldPosition: position === -1 ? undefined : position,
    path: path.join(' '),
    commands: subcommands.map((sub) => ({ text: sub.name(), description: sub.description() })),
    options: optionsOf(command),
    choices: choices.map((text) => ({ text, description: '' })),
  };
  return [here, ...subcommands.flatMap((sub) => walkCommands(sub, [...path, sub.name()]))];
}

function optionsOf(command: Command): CompletionWord[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long ? [{ text: long, description }] : []));
}
