import { readJson } from "../domain/json_text.ts";
import { InvalidInputError } from "../domain/errors.ts";
import type { Environment } from "../ports/environment.ts";
import { configKeyOf, type OptionRows } from "./option_row.ts";
import { suggest } from "./suggest.ts";

/** The configuration file as it was read; its values are unchecked. */
export interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Returns the path of the configuration file; `named` means that the user named it, so that it must exist. */
function place(environment: Environment): { path: string; named: boolean } | null {
  const named = environment.get("RUNNER_CONFIG");
  if (named) return { path: named, named: true };
  const home = environment.get("HOME");
  const folder = environment.get("XDG_CONFIG_HOME") || (home ? `${home}/.config` : "");
  return folder ? { path: `${folder}/runner/config.json`, named: false } : null;
}

/**
 * Reads `$RUNNER_CONFIG`, else `$XDG_CONFIG_HOME/runner/config.json`, else `~/.config/runner/config.json`.
 *
 * @param rows Every option that the file may set.
 * @returns `null` when there is no file.
 * @throws {InvalidInputError} The file is not a JSON object, or has an unknown key.
 */
export async function readConfigFile(environment: Environment, rows: OptionRows): Promise<ConfigFile | null> {
  const where = place(environment);
  if (!where) return null;
  const bytes = await environment.readFile(where.path).catch((error) => {
    // a default file that the sandbox denies counts as absent: most commands need no other file
    if (!where.named && (error.cause as Error | undefined)?.name === "NotCapable") return null;
    throw error;
  });
  const quoted = JSON.stringify(where.path);
  if (bytes === null) {
    if (!where.named) return null;
    throw new InvalidInputError(
      `Cannot read configuration file ${quoted}: RUNNER_CONFIG names it, but it does not exist`,
    );
  }
  const values = readJson(new TextDecoder().decode(bytes), `Cannot read configuration file ${quoted}`);
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new InvalidInputError(`Cannot read configuration file ${quoted}: it is not a JSON object`);
  }
  const known = Object.keys(rows).filter((key) => rows[key].config).map(configKeyOf);
  for (const key of Object.keys(values)) {
    if (known.includes(key)) continue;
    const near = suggest(key, known);
    const hint = near ? `perhaps you mean ${JSON.stringify(near)}` : `known are ${known.join(", ")}`;
    throw new InvalidInputError(
      `Cannot use key ${JSON.stringify(key)} in ${quoted}: there is no such setting; ${hint}`,
    );
  }
  return { path: where.path, values: values as Record<string, unknown> };
}
