/**
 * What this project uses of `@db/redis`, as types: the stand-in is declared with them, and a test holds the real
 * package to them too.
 */

export type RedisValue = string | number | Uint8Array;
export type RedisReply = string | number | null | Uint8Array | RedisReply[];

export interface RedisConnectOptions {
  hostname: string;
  port: number;
  /** More tries would send a command twice. */
  maxRetryCount: 0;
  noDelay?: boolean;
  tls?: boolean;
  /** Root certificates in PEM; implies `tls`. */
  caCerts?: string[];
  db?: number;
  username?: string;
  password?: string;
  /** Ends the dialling only, not the AUTH and SELECT after it. */
  signal?: () => AbortSignal;
}

export interface SendCommandOptions {
  /** Strings of the reply arrive as bytes. */
  returnUint8Arrays?: boolean;
}

export interface RedisPubSubMessage {
  channel: string;
  message: string;
}

export interface RedisSubscription {
  receive(): AsyncIterableIterator<RedisPubSubMessage>;
  subscribe(...channels: string[]): Promise<void>;
  unsubscribe(...channels: string[]): Promise<void>;
}

export interface Redis {
  readonly isConnected: boolean;
  sendCommand(command: string, args?: RedisValue[], options?: SendCommandOptions): Promise<RedisReply>;
  subscribe(...channels: string[]): Promise<RedisSubscription>;
  close(): void;
  [Symbol.dispose](): void;
}

/** The values of the module. */
export interface RedisApi {
  createLazyClient: (options: RedisConnectOptions) => Redis;
  ErrorReplyError: new (message?: string) => Error;
}
