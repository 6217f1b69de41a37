/**
 * The architecture as data: which part may import which, and which single file may use an external API.
 *
 * Paths are relative to the project. A path that ends in `/` is a folder; the longest path that matches a file applies.
 */

export interface Room {
  /** The part of the project this row is about. */
  path: string;
  /** What it may import besides itself: files and folders of the project. */
  imports: string[];
  /** It may hold only types. */
  typesOnly?: boolean;
  /** It must not use the runtime: no `Deno`. */
  noDeno?: boolean;
  /** The same input always gives the same output: none of `IMPURE`. */
  pure?: boolean;
}

const domain = "src/domain/";
const ports = "src/ports/";
const settings = "src/settings/";
const work = ["src/client/", "src/runner/"];
const adapters = ["src/redis/", "src/executors/", "src/system/"];
const compose = "src/compose/";
const cli = "src/cli/";

/** The floors, from the ground up; an import points downwards only. */
export const ROOMS: Room[] = [
  { path: domain, imports: [], noDeno: true, pure: true },
  { path: ports, imports: [domain], noDeno: true, typesOnly: true },
  // each by itself: neither an adapter another one, nor the work an adapter
  ...adapters.map((path) => ({ path, imports: [domain, ports] })),
  ...work.map((path) => ({ path, imports: [domain, ports], noDeno: true })),
  { path: settings, imports: [domain, ports], noDeno: true },
  // the only place that sees the adapters
  { path: compose, imports: [settings, domain, ports, ...work, ...adapters] },
  // the version stands only in deno.json
  { path: `${compose}version.ts`, imports: ["deno.json"] },
  { path: cli, imports: [compose, settings, "src/client/", domain, ports] },
  { path: "src/mod.ts", imports: ["src/library/", compose, settings, "src/client/", domain, ports] },
  { path: "src/library/", imports: [compose, settings, "src/client/", domain, ports] },
  { path: "main.ts", imports: [cli, compose] },
];

export interface Door {
  /**
   * The external API: the name of a package without registry and version, or `.ext` for every file with that ending.
   */
  thing: string;
  /** The only file or folder that may use it. */
  at: string;
}

/**
 * Packages and text files; a package without a row must not be imported at all. Imports name registry and version, as
 * `jsr:@std/cli@^1.0.32`, and no name of an import map, because a program that is started from a URL has none.
 */
export const IMPORT_DOORS: Door[] = [
  { thing: "@db/redis", at: "src/redis/client.ts" },
  { thing: "@std/cli", at: "src/cli/view/std_cli.ts" },
  { thing: "@std/log", at: "src/system/log.ts" },
  { thing: "croner", at: "src/system/calendar.ts" },
  { thing: "node:crypto", at: "src/system/digest.ts" },
  { thing: ".lua", at: "src/redis/" },
];

const files = [
  ...["chmod", "chown", "copyFile", "create", "link", "lstat", "makeTempDir", "makeTempFile", "mkdir", "open"],
  ...["readDir", "readFile", "readLink", "readTextFile", "realPath", "remove", "rename", "stat", "symlink"],
  ...["truncate", "umask", "utime", "watchFs", "writeFile", "writeTextFile", "chdir", "cwd"],
];
const signals = ["addSignalListener", "removeSignalListener", "kill"];
const host = ["env", "gid", "hostname", "loadavg", "networkInterfaces", "osRelease", "osUptime", "uid"];

/**
 * Members of `Deno`, with a row for each file or folder that may use one. A member without a row may be used wherever
 * `Deno` may. The `Sync` form counts as the same member.
 */
export const DENO_DOORS: Door[] = [
  { thing: "Command", at: "src/system/process.ts" },
  { thing: "exit", at: "main.ts" },
  // the sudden exit that tests request
  { thing: "exit", at: "src/system/host.ts" },
  ...[...files, ...signals, ...host].map((thing) => ({ thing, at: "src/system/" })),
];

/** The clock and new ids. `new Date()` is the call without arguments; with one it only converts. */
export const GLOBAL_DOORS: Door[] = [
  { thing: "Date.now", at: "src/system/" },
  { thing: "new Date()", at: "src/system/" },
  { thing: "performance.now", at: "src/system/" },
  { thing: "crypto.randomUUID", at: "src/system/" },
  { thing: "crypto.getRandomValues", at: "src/system/" },
];

/** Globals that make a function's result depend on when and where it runs; a name covers its members. */
export const IMPURE: string[] = [
  "Date",
  "Math.random",
  "crypto.randomUUID",
  "crypto.getRandomValues",
  "performance",
  "setTimeout",
  "setInterval",
  "fetch",
];

/** Returns whether the file is the path, or is in it when that is a folder. */
export function isIn(file: string, path: string): boolean {
  return path.endsWith("/") ? file.startsWith(path) : file === path;
}

/** Returns the row that applies to a file; undefined for files outside the architecture, such as tests. */
export function roomOf(file: string): Room | undefined {
  return ROOMS.filter((room) => isIn(file, room.path)).sort((a, b) => b.path.length - a.path.length)[0];
}

/**
 * Ambiguous words with their replacements; they are not allowed in names, comments and names of tests. Parts of a word
 * do not count.
 */
export const WORDS: Readonly<Record<string, string>> = Object.fromEntries([
  ["look", "list, read, poll or check"],
  ["take", "claim, accept, assign or read"],
  ["tell", "report or notify"],
  ["told", "reported"],
  ["hear", "receive"],
  ["heed", "handle"],
  ["know", "has a record of, or is known"],
  ["somebody", "a client, a process, a person"],
  ["nobody", "no client, no process"],
  ["whoever", "the client or process that"],
  ["answers", "returns"],
  ["worker", "runner"],
  ["stranger", "unknown run"],
  ["deaf", "input disabled"],
  ["bury", "dead letter"],
  ["buried", "dead letter"],
  ["beat", "heartbeat"],
]);
