import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** A job that ends with 3 when a file is there. */
const WAITS = (file: string) => `echo up; touch '${file}.up'; until [ -e '${file}' ]; do sleep 0.02; done; exit 3`;

/** Removes the socket of the runner's tmux server. */
async function removeSocket(fixture: RunnerFixture): Promise<void> {
  await Deno.remove((await fixture.tmux("display-message", "-p", "#{socket_path}")).trim());
}

Deno.test("74 a tmux socket that is removed while no runner is there costs no job", async () => {
  await using fixture = await RunnerFixture.create();
  const first = await fixture.runner();
  const id = await fixture.submit(WAITS(`${fixture.dir}/go`));
  await until("it runs", () => Deno.stat(`${fixture.dir}/go.up`).catch(() => null));
  const server = await fixture.tmux("display-message", "-p", "#{pid}");
  await first.kill9();
  await removeSocket(fixture);
  await fixture.runner();
  assertEquals(await fixture.tmux("display-message", "-p", "#{pid}"), server);
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  const job = await fixture.ended(id);
  assertEquals([job.error, job.result], ["exited with code 3", "up\n"]);
});

Deno.test("74 a tmux socket that is removed under a runner is made again, and costs no job", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const id = await fixture.submit(WAITS(`${fixture.dir}/go`));
  await until("it runs", () => Deno.stat(`${fixture.dir}/go.up`).catch(() => null));
  const server = await fixture.tmux("display-message", "-p", "#{pid}");
  await removeSocket(fixture);
  await until("the server answers again", async () => await fixture.tmux("display-message", "-p", "#{pid}") === server);
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  assertEquals((await fixture.ended(id)).error, "exited with code 3");
});
