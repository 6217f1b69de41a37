import type { Compose } from "../compose/contract.ts";
import type { ClientStore } from "../ports/schedules.ts";
import type { Terminal } from "../ports/terminal.ts";
import type { OptionRow, OptionRows, Values } from "../settings/option_row.ts";
import type { GLOBAL_ROWS } from "../settings/options.ts";

/** The context in which a command runs. */
export interface Context<Rows extends OptionRows = Readonly<Record<never, OptionRow>>> {
  readonly compose: Compose;
  readonly terminal: Terminal;
  /** Values of the command's own options and of the global ones. */
  readonly settings: Values<Omit<typeof GLOBAL_ROWS, keyof Rows> & Rows>;
  /** The origin of each value, in words. */
  readonly origins: Readonly<Record<string, string>>;
  /** Positional arguments. */
  readonly positionals: readonly string[];
  /** Arguments after `--`; `null` without it. */
  readonly rest: readonly string[] | null;
  /** Whether standard output gets colours. */
  readonly color: boolean;
  /** Connects to Redis at the first call; the connection closes when the command ends. */
  store(): Promise<ClientStore>;
}
