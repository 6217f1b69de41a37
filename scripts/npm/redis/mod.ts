/**
 * Stands in for `@db/redis` where npm can be reached and JSR cannot: what this project uses of it, with the same types,
 * errors and faults. Facts measured on the real package decide what "same" means; see the comments beside them.
 */
import type { RedisApi } from "./api.ts";
import { Client } from "./client.ts";
import { Connection } from "./connection.ts";

export type {
  Backoff,
  Binary,
  Redis,
  RedisConnectionOptions,
  RedisConnectOptions,
  RedisPubSubMessage,
  RedisReply,
  RedisSubscription,
  RedisValue,
  SendCommandOptions,
} from "./api.ts";
export {
  ConnectionClosedError,
  EOFError,
  ErrorReplyError,
  InvalidStateError,
  NotImplementedError,
  SubscriptionClosedError,
} from "./errors.ts";

export const createLazyClient: RedisApi["createLazyClient"] = (options) =>
  new Client(new Connection(options), { lazy: true });

export const connect: RedisApi["connect"] = async (options) => {
  const connection = new Connection(options);
  await connection.connect();
  return new Client(connection, { lazy: false });
};
