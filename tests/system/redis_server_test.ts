import { InvalidInputError, SetupError } from "../../src/domain/errors.ts";
import type { ChildProcess } from "../../src/ports/process.ts";
import { systemClock } from "../../src/system/clock.ts";
import { OwnRedis } from "../../src/system/redis_server.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { temporaryFolder } from "../dist/support.ts";

Deno.test("a Redis of the runner's own that is stopped while it starts is ended at once", async () => {
  await using folder = await temporaryFolder();
  const exited = Promise.withResolvers<number>();
  const asked = Promise.withResolvers<void>();
  let spawned = 0;
  const child = { exited: exited.promise, kill: () => exited.resolve(137) } as ChildProcess;
  const redis = new OwnRedis(folder.path, { hostname: "127.0.0.1", port: 1 }, {
    process: { spawn: () => (spawned++, child) },
    clock: systemClock,
    talk: {
      configFile: () => (spawned > 0 && asked.resolve(), Promise.resolve(null)),
      shutDown: () => Promise.resolve(),
    },
    path: "",
    own: { known: null, file: `${folder.path}/state/redis@1` },
  });
  const starting = assertRejects(() => redis.start(), SetupError);
  await asked.promise;
  await redis.stop();
  assertEquals(await exited.promise, 137);
  await starting;
});

Deno.test("a Redis of the runner's own is one of this host, without users and TLS", async () => {
  const outside = {} as ConstructorParameters<typeof OwnRedis>[2];
  for (const more of [{ hostname: "db" }, { username: "me" }, { tls: true }]) {
    const redis = new OwnRedis("/nowhere", { hostname: "127.0.0.1", port: 1, ...more }, outside);
    await assertRejects(() => redis.start(), InvalidInputError, "--embedded-redis is for this host alone, without TLS");
  }
});
