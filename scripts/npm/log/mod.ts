/** Stands in for `@std/log` where npm can be reached and JSR cannot: what this project uses of it. */
import type {
  BaseHandlerOptions,
  ConsoleHandlerOptions,
  FormatterFunction,
  LevelName,
  LogConfig,
  LogLevel,
  LogRecord,
} from "./api.ts";
import type * as api from "./api.ts";

export type {
  BaseHandlerOptions,
  ConsoleHandlerOptions,
  FormatterFunction,
  LevelName,
  LogConfig,
  LogLevel,
  LogRecord,
} from "./api.ts";

export const LogLevels = {
  NOTSET: 0,
  DEBUG: 10,
  INFO: 20,
  WARN: 30,
  ERROR: 40,
  CRITICAL: 50,
} as const;

function levelByName(name: LevelName): LogLevel {
  if (!(name in LogLevels)) {
    throw new Error(`Cannot get log level: no level named ${name}`);
  }
  return LogLevels[name];
}

function nameOfLevel(level: number): LevelName {
  const entry = Object.entries(LogLevels).find(([, value]) => value === level);
  if (!entry) {
    throw new Error(`Cannot get log level: no name for level: ${level}`);
  }
  return entry[0] as LevelName;
}

/** Drops what is below its level and gives the rest, formatted, to `log`. */
export abstract class BaseHandler implements api.BaseHandler {
  level: LogLevel;
  formatter: FormatterFunction;

  constructor(levelName: LevelName, options: BaseHandlerOptions = {}) {
    this.level = levelByName(levelName);
    this.formatter = options.formatter ??
      ((record) => `${record.levelName} ${record.msg}`);
  }

  get levelName(): LevelName {
    return nameOfLevel(this.level);
  }

  set levelName(name: LevelName) {
    this.level = levelByName(name);
  }

  handle(record: LogRecord): void {
    if (record.level >= this.level) this.log(this.format(record));
  }

  format(record: LogRecord): string {
    return this.formatter(record);
  }

  abstract log(msg: string): void;

  setup(): void {}

  destroy(): void {}

  [Symbol.dispose](): void {
    this.destroy();
  }
}

const COLORS = new Map<number, string>([
  [LogLevels.INFO, "color: blue"],
  [LogLevels.WARN, "color: yellow"],
  [LogLevels.ERROR, "color: red"],
  [LogLevels.CRITICAL, "color: red; font-weight: bold"],
]);

/** Writes to stdout, as the real one does. */
export class ConsoleHandler extends BaseHandler {
  readonly #useColors: boolean;
  #color = "";

  constructor(levelName: LevelName, options: ConsoleHandlerOptions = {}) {
    super(levelName, options);
    this.#useColors = options.useColors ?? true;
  }

  override handle(record: LogRecord): void {
    this.#color = COLORS.get(record.level) ?? "";
    super.handle(record);
  }

  log(msg: string): void {
    if (this.#useColors && this.#color) console.log(`%c${msg}`, this.#color);
    else console.log(msg);
  }
}

export class Logger implements api.Logger {
  readonly loggerName: string;
  level: LogLevel;
  handlers: BaseHandler[];

  constructor(
    loggerName: string,
    levelName: LevelName,
    options: { handlers?: BaseHandler[] } = {},
  ) {
    this.loggerName = loggerName;
    this.level = levelByName(levelName);
    this.handlers = options.handlers ?? [];
  }

  get levelName(): LevelName {
    return nameOfLevel(this.level);
  }

  set levelName(name: LevelName) {
    this.level = levelByName(name);
  }

  debug(msg: string, ...args: unknown[]): string {
    return this.#log(LogLevels.DEBUG, msg, args);
  }

  info(msg: string, ...args: unknown[]): string {
    return this.#log(LogLevels.INFO, msg, args);
  }

  warn(msg: string, ...args: unknown[]): string {
    return this.#log(LogLevels.WARN, msg, args);
  }

  error(msg: string, ...args: unknown[]): string {
    return this.#log(LogLevels.ERROR, msg, args);
  }

  critical(msg: string, ...args: unknown[]): string {
    return this.#log(LogLevels.CRITICAL, msg, args);
  }

  #log(level: LogLevel, msg: string, args: unknown[]): string {
    if (level < this.level) return msg;
    const { loggerName } = this;
    const record: LogRecord = {
      msg,
      args,
      level,
      levelName: nameOfLevel(level),
      loggerName,
      datetime: new Date(),
    };
    for (const handler of this.handlers) handler.handle(record);
    return msg;
  }
}

const state = {
  handlers: new Map<string, BaseHandler>(),
  loggers: new Map<string, Logger>(),
};

export function getLogger(name?: string): Logger {
  const known = state.loggers.get(name || "default");
  if (known) return known;
  if (!name) {
    throw new Error(
      `"default" logger must be set for getting logger without name`,
    );
  }
  const logger = new Logger(name, "NOTSET");
  state.loggers.set(name, logger);
  return logger;
}

const standard = () => ({
  handlers: { default: new ConsoleHandler("INFO") },
  loggers: { default: { level: "INFO" as const, handlers: ["default"] } },
});

/** Replaces all handlers and loggers; what the configuration leaves out is as at the start. */
export function setup(config: LogConfig<BaseHandler>): void {
  state.handlers.forEach((handler) => handler.destroy());
  state.handlers.clear();
  const { handlers, loggers } = standard();
  for (
    const [name, handler] of Object.entries({ ...handlers, ...config.handlers })
  ) {
    handler.setup();
    state.handlers.set(name, handler);
  }
  state.loggers.clear();
  for (
    const [name, { level, handlers }] of Object.entries({
      ...loggers,
      ...config.loggers,
    })
  ) {
    const found = (handlers ?? []).map((each) => state.handlers.get(each))
      .filter((each) => each !== undefined);
    state.loggers.set(
      name,
      new Logger(name, level ?? "INFO", { handlers: found }),
    );
  }
}

setup({});
