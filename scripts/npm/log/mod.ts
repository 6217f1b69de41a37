/** Stands in for `@std/log` where npm can be reached and JSR cannot: what this project uses of it. */
import type * as api from "./api.ts";
import type { BaseHandlerOptions, LevelName, LogRecord } from "./api.ts";

export type { LevelName } from "./api.ts";

const LEVELS = { NOTSET: 0, DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40, CRITICAL: 50 } as const;

/** Drops what is below its level and gives the rest, formatted, to `log`. */
export abstract class BaseHandler implements api.BaseHandler {
  readonly #level: number;
  readonly #options: BaseHandlerOptions;

  constructor(levelName: LevelName, options: BaseHandlerOptions) {
    this.#level = LEVELS[levelName];
    this.#options = options;
  }

  handle(record: LogRecord): void {
    if (record.level >= this.#level) this.log(this.#options.formatter(record));
  }

  abstract log(msg: string): void;

  setup(): void {}
}

export class Logger implements api.Logger {
  readonly #level: number;
  readonly #handlers: readonly BaseHandler[];

  constructor(_loggerName: string, levelName: LevelName, options: { handlers: BaseHandler[] }) {
    this.#level = LEVELS[levelName];
    this.#handlers = options.handlers;
  }

  debug(msg: string, ...args: unknown[]): string {
    return this.#log("DEBUG", msg, args);
  }

  info(msg: string, ...args: unknown[]): string {
    return this.#log("INFO", msg, args);
  }

  warn(msg: string, ...args: unknown[]): string {
    return this.#log("WARN", msg, args);
  }

  error(msg: string, ...args: unknown[]): string {
    return this.#log("ERROR", msg, args);
  }

  #log(levelName: LevelName, msg: string, args: unknown[]): string {
    const level = LEVELS[levelName];
    if (level < this.#level) return msg;
    const record = { msg, args, level, levelName, datetime: new Date() };
    for (const handler of this.#handlers) handler.handle(record);
    return msg;
  }
}
