/**
 * What this project uses of `@db/redis`, as types: the stand-in is declared with them, and a test holds the real
 * package to them too.
 */

export type Binary = Uint8Array;
export type RedisValue = string | number | Uint8Array;
export type RedisReply = string | number | null | Binary | RedisReply[];

/** The next pause in milliseconds; unused while `maxRetryCount` is 0. */
export type Backoff = (attempts: number) => number;

export interface RedisConnectionOptions {
  tls?: boolean;
  /** Root certificates in PEM; implies `tls`. */
  caCerts?: string[];
  db?: number;
  username?: string;
  password?: string;
  name?: string;
  maxRetryCount?: number;
  backoff?: Backoff;
  healthCheckInterval?: number;
  /** Ends the dialling only, not the AUTH and SELECT after it. */
  signal?: () => AbortSignal;
  noDelay?: boolean;
}

export interface RedisConnectOptions extends RedisConnectionOptions {
  hostname: string;
  port?: number | string;
}

export interface SendCommandOptions {
  /** Strings of the reply arrive as bytes. */
  returnUint8Arrays?: boolean;
}

export interface RedisPubSubMessage<TMessage = string> {
  pattern?: string;
  channel: string;
  message: TMessage;
}

export interface RedisSubscription<
  TMessage extends string | string[] = string,
> {
  readonly isClosed: boolean;
  receive(): AsyncIterableIterator<RedisPubSubMessage<TMessage>>;
  receiveBuffers(): AsyncIterableIterator<RedisPubSubMessage<Binary>>;
  psubscribe(...patterns: string[]): Promise<void>;
  subscribe(...channels: string[]): Promise<void>;
  punsubscribe(...patterns: string[]): Promise<void>;
  unsubscribe(...channels: string[]): Promise<void>;
  close(): void;
}

export interface Redis {
  readonly isClosed: boolean;
  readonly isConnected: boolean;
  sendCommand(
    command: string,
    args?: RedisValue[],
    options?: SendCommandOptions,
  ): Promise<RedisReply>;
  subscribe<TMessage extends string | string[] = string>(
    ...channels: string[]
  ): Promise<RedisSubscription<TMessage>>;
  psubscribe<TMessage extends string | string[] = string>(
    ...patterns: string[]
  ): Promise<RedisSubscription<TMessage>>;
  connect(): Promise<void>;
  close(): void;
  [Symbol.dispose](): void;
}

type ErrorClass = new (message?: string) => Error;

/** The values of the module. */
export interface RedisApi {
  connect: (options: RedisConnectOptions) => Promise<Redis>;
  createLazyClient: (options: RedisConnectOptions) => Redis;
  ConnectionClosedError: ErrorClass;
  EOFError: ErrorClass;
  ErrorReplyError: ErrorClass;
  InvalidStateError: ErrorClass;
  NotImplementedError: ErrorClass;
  SubscriptionClosedError: ErrorClass;
}
