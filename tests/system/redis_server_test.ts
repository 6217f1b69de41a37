import { InvalidInputError, SetupError } from "../../src/domain/errors.ts";
import type { ChildProcess } from "../../src/ports/process.ts";
import { systemClock } from "../../src/system/clock.ts";
import { OwnRedis } from "../../src/system/redis_server.ts";
import { OLDEST_REDIS } from "../../src/domain/versions.ts";
import { assertEquals, assertMatch, assertRejects } from "../support/assert.ts";
import { freePort } from "../support/redis_server.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
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

Deno.test("--embedded-redis with a redis-server that is too old says so, and which one to install", async () => {
  await using fixture = await RunnerFixture.create();
  await Deno.mkdir(`${fixture.dir}/bin`);
  const version = "Redis server v=6.2.16 sha=00000000:0 malloc=libc bits=64 build=d26377c3cc032f07";
  // a line of its configuration is unknown to it
  const text = `#!/bin/sh\n[ "$1" = --version ] || exit 1\necho '${version}'\n`;
  await Deno.writeTextFile(`${fixture.dir}/bin/redis-server`, text, { mode: 0o755 });
  const env = { PATH: `${fixture.dir}/bin:${Deno.env.get("PATH")}`, REDIS_URL: `127.0.0.1:${freePort()}` };
  const runner = await fixture.runner({ args: ["--embedded-redis"], env, ready: false });
  assertEquals(await runner.ended, 1);
  const sentence = `redis-server 6.2.16 is too old: install ${OLDEST_REDIS} or newer`;
  assertMatch(runner.log, new RegExp(`Cannot start a Redis at 127\\.0\\.0\\.1:\\d+: ${sentence}\n$`));
});
