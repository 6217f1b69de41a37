/**
 * What jobs inherit from the runner besides its environment. The tmux server starts them, and an earlier runner may
 * have started it under other conditions. So each script sets what differs.
 *
 * @module
 */

/** Output of `inherited.sh`, by name. */
export type Inherited = ReadonlyMap<string, string>;

/** Parses lines of `name value`. */
export function readFacts(text: string): Inherited {
  return new Map(
    text.trim().split("\n").map((line) => {
      const [name, ...value] = line.split(" ");
      return [name, value.join(" ")];
    }),
  );
}

/**
 * Returns commands, for any shell, that give a process of the server the file mode mask and limits of the runner. Each
 * limit that the server does not allow stays as it is.
 */
export function commandsFor(own: Inherited, server: Inherited): string[] {
  const mask = own.get("umask") ?? server.get("umask") ?? "";
  const commands = /^[0-7]{1,4}$/.test(mask) ? [`umask ${mask}`] : [];
  for (const [name, there] of server) {
    const option = /^limit-([a-z])$/.exec(name)?.[1];
    const given = option === "n" ? own.get("files") ?? own.get(name) : own.get(name);
    if (option === undefined || given === undefined || given === there || !/^(unlimited|\d+)$/.test(given)) continue;
    // the option for the number of processes has two names
    const names = option === "p" || option === "u" ? ["u", "p"] : [option];
    commands.push(`{ ${names.map((one) => `ulimit -S -${one} ${given}`).join(" || ")}; } 2>/dev/null`);
  }
  return commands;
}
