/** What another program writes into Redis about a runner reaches no command line of a viewer. */
import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { Person } from "../support/person.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

Deno.test("attach asks no tmux server outside the user's folder, and status names none", async () => {
  await using world = await World.create();
  await world.runner();
  const id = await world.submit("echo up; sleep 100");
  await until("it runs", async () => (await world.run(["screen", id])).stdout === "up\n");
  // tmux would make its socket there, and take what it finds
  const planted = Deno.listen({ transport: "unix", path: `${world.dir}/planted` });
  let asked = false;
  const listening = planted.accept().then((connection) => {
    asked = true;
    connection.close();
  }, () => {});
  const depth = "../".repeat(20);
  const key = (await world.redis.keys()).find((key) => key.startsWith("rr:node:"))!;
  await world.redis.call("HSET", key, "attach", `tmux -L ${depth}${world.dir.slice(1)}/planted attach -t`);

  await using person = await Person.at(world);
  await person.types(`clear; runner attach ${id}; echo "ended with $?"`);
  await person.sees("ended with 1");
  assertStringIncludes((await person.screen()).replaceAll("\n", ""), "no runner has written");
  const { stdout } = await world.run(["status", "--json", id]);
  assertEquals([JSON.parse(stdout).attach, asked], [null, false]);
  planted.close();
  await listening;
});
