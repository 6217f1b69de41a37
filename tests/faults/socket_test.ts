import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

/** A job that ends with 3 when a file is there. */
const WAITS = (file: string) => `echo up; touch '${file}.up'; until [ -e '${file}' ]; do sleep 0.02; done; exit 3`;

/** Removes the socket of the runner's tmux server. */
async function removeSocket(world: World): Promise<void> {
  await Deno.remove((await world.tmux("display-message", "-p", "#{socket_path}")).trim());
}

Deno.test("74 a tmux socket that is removed while no runner is there costs no job", async () => {
  await using world = await World.create();
  const first = await world.runner();
  const id = await world.submit(WAITS(`${world.dir}/go`));
  await until("it runs", () => Deno.stat(`${world.dir}/go.up`).catch(() => null));
  const server = await world.tmux("display-message", "-p", "#{pid}");
  await first.kill9();
  await removeSocket(world);
  await world.runner();
  assertEquals(await world.tmux("display-message", "-p", "#{pid}"), server);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  const job = await world.ended(id);
  assertEquals([job.error, job.result], ["exited with code 3", "up\n"]);
});

Deno.test("74 a tmux socket that is removed under a runner is made again, and costs no job", async () => {
  await using world = await World.create();
  await world.runner();
  const id = await world.submit(WAITS(`${world.dir}/go`));
  await until("it runs", () => Deno.stat(`${world.dir}/go.up`).catch(() => null));
  const server = await world.tmux("display-message", "-p", "#{pid}");
  await removeSocket(world);
  await until("the server answers again", async () => await world.tmux("display-message", "-p", "#{pid}") === server);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  assertEquals((await world.ended(id)).error, "exited with code 3");
});
