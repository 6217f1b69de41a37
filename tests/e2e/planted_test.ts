/** What another program writes into Redis about a runner reaches no command line of a viewer. */
import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { TerminalUser } from "../support/terminal_user.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

Deno.test("attach asks no tmux server outside the user's folder, and status names none", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const id = await fixture.submit("echo up; sleep 100");
  await until("it runs", async () => (await fixture.run(["screen", id])).stdout === "up\n");
  // tmux would make its socket there, and use what it finds
  const planted = Deno.listen({ transport: "unix", path: `${fixture.dir}/planted` });
  let asked = false;
  const listening = planted.accept().then((connection) => {
    asked = true;
    connection.close();
  }, () => {});
  const depth = "../".repeat(20);
  const key = (await fixture.redis.keys()).find((key) => key.startsWith("rr:instance:"))!;
  const access = { kind: "tmux", socket: `${depth}${fixture.dir.slice(1)}/planted` };
  await fixture.redis.call("HSET", key, "access", JSON.stringify(access));

  await using user = await TerminalUser.at(fixture);
  await user.types(`clear; runner attach ${id}; echo "ended with $?"`);
  await user.sees("ended with 1");
  assertStringIncludes((await user.screen()).replaceAll("\n", ""), "no runner has written");
  const { stdout } = await fixture.run(["status", "--json", id]);
  assertEquals([JSON.parse(stdout).attach, asked], [null, false]);
  planted.close();
  await listening;
});
