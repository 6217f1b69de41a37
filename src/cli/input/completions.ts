/** Generates completion scripts from the commands and the rows of their options. */
import type { Command } from "../command.ts";
import { type Completed, flagOf, type OptionRow, type OptionRows } from "../../settings/option_row.ts";
import { GLOBAL_ROWS } from "../../settings/options.ts";

/** Shells that have a completion script. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** An option as completion needs it. */
interface Flag {
  /** `-n`; `null` when the option has no letter, or the command uses that letter for another option. */
  readonly short: string | null;
  readonly long: string;
  readonly row: OptionRow;
  /**
   * What completes its value: these words, data in Redis, files, folders, or nothing for a free text. `null`: it has no
   * value.
   */
  readonly value: readonly string[] | Completed | "file" | "folder" | "text" | null;
}

function flagsOf(rows: OptionRows, taken: ReadonlySet<string>): Flag[] {
  return Object.entries(rows).filter(([, row]) => !row.hidden).map(([key, row]) => ({
    short: row.short && !taken.has(row.short) ? `-${row.short}` : null,
    long: flagOf(key),
    row,
    value: row.type === "flag"
      ? null
      : row.choices ?? row.completes ?? (row.value === "FILE" ? "file" : row.value === "DIR" ? "folder" : "text"),
  }));
}

/** Returns the options of a command, its own and the global ones. */
function flagsFor(command: Command): Flag[] {
  const taken = new Set(Object.values(command.rows).flatMap((row) => row.short ?? []));
  const globals = Object.fromEntries(Object.entries(GLOBAL_ROWS).filter(([key]) => !(key in command.rows)));
  return [...flagsOf(command.rows, new Set()), ...flagsOf(globals, taken)];
}

function namesOf({ short, long }: Flag): string[] {
  return short === null ? [long] : [short, long];
}

/** Puts a text in single quotes, for any of the shells; none of our texts ends with a backslash. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function bash(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const none = { name: "", flags: flagsOf(GLOBAL_ROWS, new Set()) };
  const all = [none, ...commands.map((command) => ({ name: command.name, flags: flagsFor(command) }))];
  const values = all.flatMap((command) =>
    command.flags.filter(({ value }) => value !== null).map((flag) => {
      const { value } = flag;
      const action = Array.isArray(value)
        ? `COMPREPLY=($(compgen -W '${value.join(" ")}' -- "$cur"))`
        : value === "file"
        ? `compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))`
        : value === "folder"
        ? `compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur"))`
        : flag.row.completes
        ? `_runner_ask ${flag.row.completes}`
        : ":";
      const patterns = namesOf(flag).map((name) => `${command.name}:${name}`).join(" | ");
      return `    ${patterns}) ${action}; return ;;`;
    })
  );
  const words = commands.map((command) => {
    const all = [...command.positionals.words ?? [], ...flagsFor(command).flatMap(namesOf)];
    return `    ${command.name}) words='${all.join(" ")}' ;;`;
  });
  const asks = commands.filter(({ positionals }) => positionals.completes).map(({ name, positionals }) =>
    `    ${name}:*) _runner_ask ${positionals.completes} ;;`
  );
  return `# bash completion for runner; load it with: eval "$(runner completions bash)"
# words from Redis; none when it is unreachable
_runner_ask() {
  local found
  found=$("\${COMP_WORDS[0]/#\\~/$HOME}" complete "$1" -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null </dev/null | cut -f 1)
  COMPREPLY=($(compgen -W "$found" -- "$cur"))
}
_runner() {
  local cur prev command words i
  cur=\${COMP_WORDS[COMP_CWORD]}
  prev=\${COMP_WORDS[COMP_CWORD - 1]}
  # bash splits --color=a into three words
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${names.replaceAll(" ", " | ")}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  COMPREPLY=()
  case $command:$prev in
${values.join("\n")}
  esac
  case $command:$cur in
    *:-*) ;;
${asks.join("\n")}
  esac
  [ \${#COMPREPLY[@]} -eq 0 ] || return
  case $command in
${words.join("\n")}
    *) words='${names} ${flagsOf(GLOBAL_ROWS, new Set()).flatMap(namesOf).join(" ")}' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _runner runner
`;
}

/** Returns the spec of an option for `_arguments` of zsh. */
function zshSpec(flag: Flag): string {
  const { long, value, row } = flag;
  const help = row.help.replace(/[\\[\]:]/g, "\\$&");
  const action = Array.isArray(value)
    ? `(${value.join(" ")})`
    : value === "file"
    ? "_files"
    : value === "folder"
    ? "_files -/"
    : row.completes
    ? `_runner_ask ${row.completes}`
    : " ";
  const argument = value === null ? "" : `:${(row.value ?? "value").replace(/[\\[\]:]/g, "\\$&")}:${action}`;
  const again = row.type === "list" ? "*" : "";
  return namesOf(flag).map((name) =>
    quote(`${again}${name}${value === null ? "" : name === long ? "=" : "+"}[${help}]${argument}`)
  ).join(" ");
}

function zsh(commands: readonly Command[]): string {
  const described = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary.replaceAll(":", "\\:")}`)}`);
  const cases = commands.map((command) => {
    const { words, completes } = command.positionals;
    const specs = flagsFor(command).map((flag) => `        ${zshSpec(flag)}`);
    const rest = quote(`*:argument:${completes ? `_runner_ask ${completes}` : `(${(words ?? []).join(" ")})`}`);
    return `      (${command.name})
        _arguments -S ${rest} \\\n${specs.join(" \\\n")}
        ;;`;
  });
  return `#compdef runner
# zsh completion for runner; load it with: eval "$(runner completions zsh)", after compinit
# words from Redis; none when it is unreachable
_runner_ask() {
  # _arguments adds the other arguments
  local kind=\${@[-1]} tab=$'\\t'
  local -a found
  found=("\${(@f)$(_call_program runner \${(q)program} complete $kind -- \${(q)typed} 2>/dev/null </dev/null)}")
  found=("\${(@)found/\$tab/:}")
  (( \${#found[1]} )) && _describe -V $kind found
}
_runner() {
  local context state line program=$words[1]
  local -a typed
  typed=("\${(@)words[2,CURRENT-1]}")
  typeset -A opt_args
  local -a commands
  commands=(
${described.join("\n")}
  )
  _arguments -C -S \\
${flagsOf(GLOBAL_ROWS, new Set()).map((flag) => `    ${zshSpec(flag)}`).join(" \\\n")} \\
    '1:command:->command' '*::argument:->argument'
  case $state in
    (command) _describe command commands ;;
    (argument)
      case $words[1] in
${cases.join("\n")}
      esac
      ;;
  esac
}
if [[ $funcstack[1] == _runner ]]; then _runner "$@"; else compdef _runner runner; fi
`;
}

function fish(commands: readonly Command[]): string {
  const line = (condition: string, flag: Flag) => {
    const { short, long, value, row } = flag;
    const completion = Array.isArray(value)
      ? ` -xa ${quote(value.join(" "))}`
      : value === "file"
      ? " -rF"
      : value === "folder"
      ? " -xa '(__fish_complete_directories)'"
      : row.completes
      ? ` -xa '(__runner_ask ${row.completes})'`
      : value === "text"
      ? " -x"
      : "";
    const letter = short === null ? "" : ` -s ${short.slice(1)}`;
    return `complete -c runner -n ${quote(condition)}${letter} -l ${long.slice(2)}${completion} -d ${quote(row.help)}`;
  };
  const lines = [
    "# words from Redis; none when it is unreachable",
    "function __runner_ask",
    "  set -l typed (commandline -opc)",
    "  set -l program $typed[1]",
    "  set -e typed[1]",
    "  command -sq $program; and command $program complete $argv[1] -- $typed 2>/dev/null </dev/null",
    "end",
    "complete -c runner -f",
  ];
  for (const { name, summary } of commands) {
    lines.push(`complete -c runner -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`);
  }
  for (const flag of flagsOf(GLOBAL_ROWS, new Set())) lines.push(line("__fish_use_subcommand", flag));
  for (const command of commands) {
    const condition = `__fish_seen_subcommand_from ${command.name}`;
    const { words, completes } = command.positionals;
    if (completes) lines.push(`complete -c runner -n ${quote(condition)} -a '(__runner_ask ${completes})'`);
    if (words) lines.push(`complete -c runner -n ${quote(condition)} -a ${quote(words.join(" "))}`);
    for (const flag of flagsFor(command)) lines.push(line(condition, flag));
  }
  return `# fish completion for runner; load it with: runner completions fish | source\n${lines.join("\n")}\n`;
}

const MAKERS = { bash, zsh, fish } as const;

/** Returns the completion script of a shell. */
export function completionScript(shell: typeof SHELLS[number], commands: readonly Command[]): string {
  return MAKERS[shell](commands);
}
