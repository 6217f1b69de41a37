/**
 * Generates documentation from the commands and the rows of their options: the man page scripts/runner.1, and the parts
 * of the README between the marks `<!-- docs: NAME -->` and `<!-- /docs -->`. With `--check` it writes nothing, and
 * fails when something is out of date.
 *
 * @module
 */
import type { Command } from "../src/cli/command.ts";
import { allCommands } from "../src/cli/commands.ts";
import { defaultOf, globalsFor } from "../src/cli/view/help.ts";
import { flagOf, type OptionRow, type OptionRows } from "../src/settings/option_row.ts";
import { SETTING_ROWS } from "../src/settings/options.ts";
import { EXIT } from "../src/domain/exit_codes.ts";
import { aclRules } from "../src/redis/acl.ts";
import { VERSION } from "../src/compose/version.ts";
import { GROUPS, type NamedNeed, needsOf } from "./needs.ts";

/** Exit codes of the program, and when it returns them. */
const EXITS: readonly (readonly [code: string, when: string])[] = [
  ["the job's own", "wait, submit --wait, submit --follow; killed by signal n: 128 + n"],
  [
    `${EXIT.ok} / ${EXIT.failed} / ${EXIT.usage}`,
    "success, also when no job fits a filter / another failure / wrong usage",
  ],
  [String(EXIT.failed), "retry, purge, cancel: one of the jobs could not be retried, deleted, cancelled"],
  [String(EXIT.noSuchJob), "no such job; wait: no job fits the filter"],
  [String(EXIT.unavailable), "Redis cannot be reached, or refuses the connection"],
  [
    String(EXIT.waitLimit),
    "wait --timeout: the limit is reached, the job goes on; submit --max-queued: the queue is full",
  ],
  [String(EXIT.refused), "run: Redis refuses the user name, password or commands"],
  [`${EXIT.timedOut} / ${EXIT.lost} / ${EXIT.cancelled}`, "the job timed out / was lost / was cancelled"],
  ["130 / 143 / 129", "a waiting command was ended by INT / TERM / HUP; the job goes on"],
];

/** Formats a Markdown table as `deno fmt` does. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, i) => Math.max(3, ...all.map((row) => [...row[i]].length)));
  const line = (row: readonly string[], fill: string) =>
    `| ${row.map((cell, i) => cell + fill.repeat(widths[i] - [...cell].length)).join(" | ")} |\n`;
  return line(all[0], " ") + line(head.map(() => ""), "-") + all.slice(1).map((row) => line(row, " ")).join("");
}

function settingRow([key, row]: [string, OptionRow]): string[] {
  const code = (text: string | null | undefined) => text ? `\`${text}\`` : "";
  const flag = `${row.short ? `-${row.short}, ` : ""}${flagOf(key)}`;
  return [code(flag), code(row.env), defaultOf(row) ?? "", row.help];
}

const NOTES = ["¹", "²", "³"];

/** The first forms in the table of permissions: from little to much. Others follow in the order of the commands. */
const FIRST = [
  ...["version", "help", "completions", "--help", "submit --dry-run", "status", "events", "wait"],
  ...["submit", "submit --script", "submit --follow", "attach", "run", "run --embedded-redis", "doctor", "config"],
];

const asCode = (words: readonly string[]) => words.map((word) => `\`${word}\``);

/** Returns the cells beside the name of a form. */
function permissionCells({ besides, net, env, read, write, run = [], sys = [] }: NamedNeed): string[] {
  const whole = GROUPS.map((group) => group.every((name) => env.includes(name)));
  const others = env.filter((name) => !GROUPS.some((group, i) => whole[i] && group.includes(name)));
  return [
    besides ? `as \`${besides}\`` : net ? "Redis" : "",
    [NOTES.filter((_, i) => whole[i]).join(" "), ...asCode(others)].join(" ").trim(),
    read ?? "",
    write ?? "",
    asCode(run).join(" "),
    asCode(sys).join(" "),
  ];
}

/** Returns the table of what each command needs, forms with the same needs in one row, and the names of the notes. */
function permissionTable(commands: readonly Command[]): string {
  const place = (form: string) => FIRST.includes(form) ? FIRST.indexOf(form) : FIRST.length;
  const forms = needsOf(commands).flatMap((need) => need.of.map((form) => ({ form, cells: permissionCells(need) })))
    .sort((a, b) => place(a.form) - place(b.form));
  const rows = [...Map.groupBy(forms, ({ cells }) => cells.join("|")).values()]
    .map((same) => [asCode(same.map(({ form }) => form)).join(", "), ...same[0].cells]);
  const notes = GROUPS.map((names, i) => `- ${NOTES[i]} \`${names.join(" ")}\`\n`);
  return `${table(["command", "net", "env", "read", "write", "run", "sys"], rows)}\n${notes.join("")}`;
}

/** Returns the shell command that gives a Redis user its rights. */
function aclCommand(role: "runner" | "client"): string {
  const words = ["redis-cli", "ACL", "SETUSER", role, "on", ">PASSWORD", ...aclRules(role, "production:")];
  const lines = [""];
  for (const word of words.map((word) => /^[\w+@:-]+$/.test(word) ? word : `'${word}'`)) {
    const line = lines.at(-1)!;
    if (line.length + word.length > 112) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return `${lines.join(" \\\n")}\n`;
}

/** Returns the generated parts of pages by name. */
export function pageParts(commands: readonly Command[]): Readonly<Record<string, string>> {
  const settings = Object.entries(SETTING_ROWS as OptionRows).filter(([, row]) =>
    !row.hidden && (row.env || row.config)
  );
  return {
    commands: table(["command", "does"], commands.map(({ name, summary }) => [`\`runner ${name}\``, summary])),
    exits: table(["exit code", "when"], EXITS),
    permissions: permissionTable(commands),
    acl: `\`\`\`sh\n${(["runner", "client"] as const).map(aclCommand).join("")}\`\`\`\n`,
    settings: table(["flag", "environment", "default", ""], settings.map(settingRow)),
  };
}

/** Pages with generated parts. */
export const PAGES = ["src/cli/README.md", "src/redis/README.md"];

const PART = /(<!-- docs: (\w+) -->\n)[^]*?(<!-- \/docs -->)/g;

/** Returns a page with its generated parts updated. */
export function updatePage(text: string, commands: readonly Command[]): string {
  const parts = pageParts(commands);
  return text.replace(PART, (_, begin, name, end) => {
    if (!Object.hasOwn(parts, name)) {
      throw new Error(`Cannot write part "${name}" of a page: there is no such part`);
    }
    return `${begin}\n${parts[name]}\n${end}`;
  });
}

/** Escapes a text for roff, so that nothing in it is a command. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^([.'])/gm, "\\&$1");
}

function optionEntries(rows: OptionRows, taken: ReadonlySet<string> = new Set()): string {
  return Object.entries(rows).filter(([, row]) => !row.hidden).map(([key, row]) => {
    const names = [...(row.short && !taken.has(row.short) ? [`-${row.short}`] : []), flagOf(key)];
    const value = row.value ? ` \\fI${roff(row.value)}\\fR` : "";
    const facts = [
      row.choices ? `One of ${row.choices.join(", ")}.` : "",
      row.env ? `Environment: ${row.env}.` : "",
      defaultOf(row) === null ? "" : `Default: ${defaultOf(row)}.`,
    ].filter((fact) => fact !== "").join(" ");
    return `.TP\n${names.map((name) => `\\fB${roff(name)}\\fR`).join(", ")}${value}\n${
      roff(`${row.help}. ${facts}`.trimEnd())
    }\n`;
  }).join("");
}

function commandSection(command: Command): string {
  const usage = command.usage.map((form) => `.br\n\\fBrunner ${command.name}\\fR ${roff(form)}`.trimEnd()).join("\n");
  const paragraphs = [`${command.summary}.`, ...command.description ?? []].map((text) => `.PP\n${roff(text)}\n`).join(
    "",
  );
  const examples = command.examples.map(({ command, does }) =>
    `.PP\n${roff(does)}:\n.PP\n.nf\n.RS\n${roff(command)}\n.RE\n.fi\n`
  );
  return `.SS runner ${command.name}\n${usage}\n${paragraphs}${optionEntries(command.rows)}${examples.join("")}`;
}

/** Returns the man page. */
export function manPage(commands: readonly Command[]): string {
  const environment = Object.entries(SETTING_ROWS as OptionRows).filter(([, row]) => row.env)
    .map(([key, row]) => `.TP\n.B ${row.env}\nThe value of ${roff(flagOf(key))}.\n`);
  return `.\\" Generated by scripts/docs.ts; do not edit.
.TH RUNNER 1 "" "runner ${VERSION}" "User Commands"
.SH NAME
runner \\- run shell jobs from a Redis queue in tmux terminals
.SH SYNOPSIS
.B runner
\\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]
.SH COMMANDS
${commands.map(commandSection).join("")}.SH OPTIONS OF EVERY COMMAND
${optionEntries(globalsFor({ rows: {} }).rows)}.SH EXIT STATUS
${EXITS.map(([code, when]) => `.TP\n${roff(code)}\n${roff(when)}\n`).join("")}.SH ENVIRONMENT
${environment.join("")}.TP
.B RUNNER_CONFIG
The configuration file.
.TP
.B NO_COLOR, CLICOLOR_FORCE
No colours, or colours also in a pipe.
.SH FILES
.TP
.I $XDG_CONFIG_HOME/runner/config.json
A JSON object with the names that \\fBrunner config\\fR shows; flags and environment override it.
`;
}

async function main(args: readonly string[]): Promise<number> {
  const commands = await allCommands();
  const files: [URL, (old: string) => string][] = [
    [new URL("runner.1", import.meta.url), () => manPage(commands)],
    ...PAGES.map((page): [URL, (old: string) => string] => [
      new URL(`../${page}`, import.meta.url),
      (old) => updatePage(old, commands),
    ]),
  ];
  let code = 0;
  for (const [url, make] of files) {
    const old = await Deno.readTextFile(url).catch(() => "");
    const text = make(old);
    if (text === old) continue;
    if (args.includes("--check")) {
      console.error(`${url.pathname} is out of date: run scripts/docs.ts`);
      code = 1;
    } else await Deno.writeTextFile(url, text);
  }
  return code;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
