import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { freePort, tlsConfig, tlsFile, whyNoTls } from "../support/redis_server.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const noTls = await whyNoTls();

Deno.test({
  name:
    "a job runs over TLS with a private certificate authority and an ACL user, and without its certificate nothing does" +
    noTls,
  ignore: noTls !== "",
  async fn() {
    const port = freePort();
    await using fixture = await RunnerFixture.create({
      config: tlsConfig(port),
    });
    await fixture.redis.call("ACL", "SETUSER", "alice", "on", ">p@ss/word", "~*", "&*", "+@all");
    const url = `rediss://alice:p%40ss%2Fword@127.0.0.1:${port}`;
    const env = { REDIS_URL: `${url}?ca=${tlsFile("ca.pem")}` };
    const runner = await fixture.runner({ env });
    const ran = await fixture.run(["submit", "--follow", "echo private"], { env });
    assertEquals([ran.stdout, ran.code], ["private\n", 0], ran.stderr);
    const unknown = await fixture.run(["submit", "true"], { env: { REDIS_URL: url } });
    assertEquals([unknown.stdout, unknown.code], ["", 69]);
    assertStringIncludes(unknown.stderr, `127.0.0.1:${port}`);
    assertEquals((runner.log + unknown.stderr + ran.stderr).includes("ss/word"), false);
    assertEquals(await runner.stop(), 0);
  },
});
