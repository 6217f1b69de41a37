import { BaseHandler, type LevelName, Logger } from "jsr:@std/log@^0.224.14";
import { printable, toJson } from "../domain/printable.ts";
import type { Log, LogFields } from "../ports/log.ts";

const encoder = new TextEncoder();

/**
 * Writes each record as one line on stderr. Records of one turn share a write, and so do the last ones before the exit.
 */
class StderrHandler extends BaseHandler {
  #lines = "";

  override setup(): void {
    addEventListener("unload", () => this.#write());
  }

  override log(line: string): void {
    if (this.#lines === "") setTimeout(() => this.#write());
    this.#lines += line + "\n";
  }

  #write(): void {
    let bytes = encoder.encode(this.#lines);
    this.#lines = "";
    try {
      while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
    } catch {
      // The reader of stderr is gone; the runner's work matters more than its log.
    }
  }
}

/**
 * Returns a log on stderr, one line per record: RFC 3339 time, level, message and the fields as `key=value`; JSON
 * objects with `json`.
 *
 * @param options `level` is the lowest that is written.
 */
export function stderrLog(options: { level?: LevelName; json?: boolean } = {}): Log {
  const formatter = options.json
    ? (record: { datetime: Date; levelName: string; msg: string; args: unknown[] }) =>
      toJson({
        time: record.datetime.toISOString(),
        level: record.levelName.toLowerCase(),
        message: record.msg,
        ...record.args[0] as LogFields,
      })
    : (record: { datetime: Date; levelName: string; msg: string; args: unknown[] }) =>
      `${record.datetime.toISOString()} ${record.levelName.padEnd(5)} ${printable(record.msg)}${pairs(record.args[0])}`;
  const level = options.level ?? "INFO";
  const handler = new StderrHandler(level, { formatter });
  handler.setup(); // the package does this only for handlers of its own registry
  const logger = new Logger("runner", level, { handlers: [handler] });
  return {
    debug: (message, fields) => void logger.debug(message, fields ?? {}),
    info: (message, fields) => void logger.info(message, fields ?? {}),
    warn: (message, fields) => void logger.warn(message, fields ?? {}),
    error: (message, fields) => void logger.error(message, fields ?? {}),
  };
}

function pairs(fields: unknown): string {
  return Object.entries(fields as LogFields)
    .map(([key, value]) =>
      ` ${key}=${/^[\w.:+/-]+$/.test(String(value)) ? value : printable(JSON.stringify(String(value)))}`
    )
    .join("");
}
