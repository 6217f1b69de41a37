/**
 * What this project uses of `@std/log`, as types: the stand-in is declared with them, and a test holds the real package
 * to them too.
 */

export type LevelName = "NOTSET" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";

export interface LogRecord {
  readonly msg: string;
  readonly level: number;
  readonly levelName: string;
  readonly args: unknown[];
  readonly datetime: Date;
}

export interface BaseHandlerOptions {
  formatter: (record: LogRecord) => string;
}

export interface BaseHandler {
  handle(record: LogRecord): void;
  log(msg: string): void;
  setup(): void;
}

export interface Logger {
  debug(msg: string, ...args: unknown[]): string;
  info(msg: string, ...args: unknown[]): string;
  warn(msg: string, ...args: unknown[]): string;
  error(msg: string, ...args: unknown[]): string;
}

/** The values of the module; a program makes its own handler by extending the class. */
export interface LogApi {
  BaseHandler: abstract new (levelName: LevelName, options: BaseHandlerOptions) => BaseHandler;
  // only the package decides what is a handler to it: its class has private fields
  Logger: new (loggerName: string, levelName: LevelName, options: { handlers: never[] }) => Logger;
}
