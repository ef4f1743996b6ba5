/**
 * The completion scripts. Each follows the typed words down to a command and offers its subcommands, options and argument
 * values, or else files. The names of fields are only queried where a field can follow, because that takes a moment. Both names of
 * the command are literals in the script, so that a shell expands an alias.
 */
import { type CommandEntry, fieldOption } from './walk-commands.ts';

const renderers = { bash: renderBash, zsh: renderZsh, fish: renderFish } as const;
export type ShellName = keyof typeof renderers;

export function renderCompletion(shell: ShellName, commands: readonly CommandEntry[]): string {
  return renderers[shell](commands);
}

export function renderBash(commands: readonly CommandEntry[]): string {
  const offers = commands.map((command) => `    '${command.path}') offers='${offersOf(command).join(' ')}' ;;`);
  return `# Completes consciousness-field and its short form field in bash.
${renderNames('bash')}
_field() {
  local at='' word offers='' before=0 position=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${at:+$at }$word" in
      ${pathPattern(commands)}) at="\${at:+$at }$word"; before=0 ;;
      *) case "$word" in -*) ;; *) before=$((before + 1)) ;; esac ;;
    esac
  done
  case "$at" in
${offers.join('\n')}
  esac
${renderPositions(commands)}
  word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "\${COMP_WORDS[COMP_CWORD-1]}" = ${fieldOption} ]; then
    offers=$(_field_names "\${COMP_WORDS[0]}" "$word")
  elif [ -n "$position" ] && [ "$before" -ge "$position" ] && [ "\${word#-}" = "$word" ]; then
    offers="$offers $(_field_names "\${COMP_WORDS[0]}" "$word")"
  fi
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
${renderNames('zsh')}
_field() {
  local at='' word before=0 position=''
  local -a offers fields
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+$at }$word" in
      (${pathPattern(commands)}) at="\${at:+$at }$word"; before=0 ;;
      (*) [[ "$word" == -* ]] || before=$((before + 1)) ;;
    esac
  done
  case "$at" in
${offers.join('\n')}
  esac
${renderPositions(commands)}
  word="\${words[CURRENT]}"
  if [[ "\${words[CURRENT-1]}" == ${fieldOption} ]]; then
    offers=()
    fields=(\${(f)"$(_field_names "\${words[1]}" "$word")"})
  elif [[ -n "$position" && "$before" -ge "$position" && "$word" != -* ]]; then
    fields=(\${(f)"$(_field_names "\${words[1]}" "$word")"})
  fi
  (( \${#fields} )) && compadd -a fields
  _describe 'field' offers || (( \${#fields} )) || _files
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
        `complete -c consciousness-field -c field ${at} -l ${text.slice(2)}${text === fieldOption ? ` -x -a '(__field_names)'` : ''} -d ${quote(firstSentence(description), true)}`,
    );
    return [...words, ...options, ...fishFields(command)];
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
function __field_names
  set -l words (commandline -opc)
  if string match -q '*consciousness-field' -- $words[1]
    consciousness-field completion fish --fields (commandline -ct) 2>/dev/null
  else
    field completion fish --fields (commandline -ct) 2>/dev/null
  end
end
${lines.join('\n')}`;
}

/** A function that prints the fields which begin with its second argument; the first is the command as typed. */
function renderNames(shell: 'bash' | 'zsh'): string {
  return `_field_names() {
  case "$1" in
    *consciousness-field) consciousness-field completion ${shell} --fields "$2" ;;
    *) field completion ${shell} --fields "$2" ;;
  esac 2>/dev/null
}`;
}

/** The positions of fields, by command. */
function renderPositions(commands: readonly CommandEntry[]): string {
  const lines = commands.flatMap(({ path, fieldPosition }) =>
    fieldPosition === undefined ? [] : [`    '${path}') position=${fieldPosition} ;;`],
  );
  return ['  case "$at" in', ...lines, '  esac'].join('\n');
}

/** Where other arguments come before the field, these may be files. */
function fishFields({ path, fieldPosition }: CommandEntry): string[] {
  if (fieldPosition === undefined) return [];
  const wordsBefore = 1 + path.split(' ').length + fieldPosition;
  const at = quote(`__field_at ${quote(path)}; and test (count (commandline -opc)) -ge ${wordsBefore}`, true);
  return [`complete -c consciousness-field -c field${fieldPosition === 0 ? ' -f' : ''} -n ${at} -a '(__field_names)'`];
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
