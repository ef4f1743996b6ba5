/**
 * The completion scripts. Each follows the typed words down to a command and offers its subcommands, options and argument
 * values, or else files.
 */
import type { CommandEntry } from './walk-commands.ts';

const renderers = { bash: renderBash, zsh: renderZsh, fish: renderFish } as const;
export type ShellName = keyof typeof renderers;

export function renderCompletion(shell: ShellName, commands: readonly CommandEntry[]): string {
  return renderers[shell](commands);
}

export function renderBash(commands: readonly CommandEntry[]): string {
  const offers = commands.map((command) => `    '${command.path}') offers='${offersOf(command).join(' ')}' ;;`);
  return `# Completes consciousness-field and its short form field in bash.
_field() {
  local at='' word offers=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${at:+$at }$word" in
      ${pathPattern(commands)}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${offers.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$offers" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _field consciousness-field field`;
}

export function renderZsh(commands: readonly CommandEntry[]): string {
  const offers = commands.map((command) => {
    const words = wordsOf(command).map(({ text, description }) => quote(`${text}:${firstSentence(description)}`));
    return `    '${command.path}') offers=(${words.join(' ')}) ;;`;
  });
  return `#compdef consciousness-field field
# Completes consciousness-field and its short form field in zsh.
_field() {
  local at='' word
  local -a offers
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+$at }$word" in
      (${pathPattern(commands)}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${offers.join('\n')}
  esac
  _describe 'field' offers || _files
}
compdef _field consciousness-field field`;
}

export function renderFish(commands: readonly CommandEntry[]): string {
  const lines = commands.flatMap((command) => {
    const at = `-n ${quote(`__field_at ${quote(command.path)}`, true)}`;
    const words = [...command.commands, ...command.choices].map(
      ({ text, description }) =>
        `complete -c consciousness-field -c field -f ${at} -a ${text} -d ${quote(firstSentence(description), true)}`,
    );
    const options = command.options.map(
      ({ text, description }) =>
        `complete -c consciousness-field -c field ${at} -l ${text.slice(2)} -d ${quote(firstSentence(description), true)}`,
    );
    return [...words, ...options];
  });
  const known = commands.flatMap(({ path }) => (path ? [quote(path, true)] : []));
  return `# Completes consciousness-field and its short form field in fish.
function __field_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$at $word")
    contains -- $next ${known.join(' ')}; and set at $next
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}`;
}

function wordsOf({ commands, choices, options }: CommandEntry) {
  return [...commands, ...choices, ...options];
}

function offersOf(command: CommandEntry): string[] {
  return wordsOf(command).map(({ text }) => text);
}

function pathPattern(commands: readonly CommandEntry[]): string {
  return commands.flatMap(({ path }) => (path ? [`'${path}'`] : [])).join('|');
}

function firstSentence(text: string): string {
  return text.split(/[.:;\n]/)[0] ?? '';
}

/** Quotes with single quotes. Only fish supports escapes within them. */
function quote(text: string, isFish = false): string {
  return `'${isFish ? text.replace(/['\\]/g, '\\$&') : text.replaceAll("'", `'\\''`)}'`;
}
