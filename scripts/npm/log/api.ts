/**
 * What this project uses of `@std/log`, as types: the stand-in is declared with them, and a test holds the real package
 * to them too.
 */

export type LevelName =
  | "NOTSET"
  | "DEBUG"
  | "INFO"
  | "WARN"
  | "ERROR"
  | "CRITICAL";
export type LogLevel = 0 | 10 | 20 | 30 | 40 | 50;

export interface LogRecord {
  readonly msg: string;
  readonly level: number;
  readonly levelName: string;
  readonly loggerName: string;
  get args(): unknown[];
  get datetime(): Date;
}

export type FormatterFunction = (record: LogRecord) => string;

export interface BaseHandlerOptions {
  formatter?: FormatterFunction;
}

export interface ConsoleHandlerOptions extends BaseHandlerOptions {
  useColors?: boolean;
}

export interface BaseHandler {
  level: LogLevel;
  levelName: LevelName;
  // a method, not a property: the real record has private fields, which a property would have to match
  formatter(record: LogRecord): string;
  handle(record: LogRecord): void;
  format(record: LogRecord): string;
  log(msg: string): void;
  setup(): void;
  destroy(): void;
}

export interface Logger {
  level: LogLevel;
  levelName: LevelName;
  readonly loggerName: string;
  debug(msg: string, ...args: unknown[]): string;
  info(msg: string, ...args: unknown[]): string;
  warn(msg: string, ...args: unknown[]): string;
  error(msg: string, ...args: unknown[]): string;
  critical(msg: string, ...args: unknown[]): string;
}

export interface LogConfig<Handler = BaseHandler> {
  handlers?: Record<string, Handler>;
  loggers?: Record<string, { level?: LevelName; handlers?: string[] }>;
}

/** The values of the module; a program makes its own handler by extending one of the two classes. */
export interface LogApi {
  LogLevels: Readonly<Record<LevelName, LogLevel>>;
  BaseHandler: abstract new (
    levelName: LevelName,
    options?: BaseHandlerOptions,
  ) => BaseHandler;
  ConsoleHandler: new (
    levelName: LevelName,
    options?: ConsoleHandlerOptions,
  ) => BaseHandler;
  Logger: new (
    loggerName: string,
    levelName: LevelName,
    options?: { handlers?: never[] },
  ) => Logger;
  getLogger: (name?: string) => Logger;
  // what is a handler to the real package, private fields included, only its own classes decide
  setup: (config: LogConfig<never>) => void;
}
