/**
 * What jobs inherit of the runner beside its environment. They are started by the tmux server, which an earlier runner
 * may have started from another place: so each script sets what differs.
 *
 * @module
 */

/** What `inherited.sh` prints, by name. */
export type Inherited = ReadonlyMap<string, string>;

/** Reads lines of `name value`. */
export function readFacts(text: string): Inherited {
  return new Map(
    text.trim().split("\n").map((line) => {
      const [name, ...value] = line.split(" ");
      return [name, value.join(" ")];
    }),
  );
}

/**
 * Commands that give a process of the server, in any shell, what the runner was given. What the server does not allow
 * is left out.
 */
export function commandsFor(own: Inherited, server: Inherited): string[] {
  const mask = own.get("umask") ?? server.get("umask") ?? "";
  const commands = /^[0-7]{1,4}$/.test(mask) ? [`umask ${mask}`] : [];
  for (const [name, there] of server) {
    const option = /^limit-([a-z])$/.exec(name)?.[1];
    const given = option === "n" ? own.get("files") ?? own.get(name) : own.get(name);
    if (option === undefined || given === undefined || given === there || !/^(unlimited|\d+)$/.test(given)) continue;
    // the number of processes has two names
    const names = option === "p" || option === "u" ? ["u", "p"] : [option];
    commands.push(`{ ${names.map((one) => `ulimit -S -${one} ${given}`).join(" || ")}; } 2>/dev/null`);
  }
  return commands;
}
