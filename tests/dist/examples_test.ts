import { assertEquals } from "../support/assert.ts";
import { World } from "../support/world.ts";
import { FakeWorld } from "../cli/fake_world.ts";
import { ROOT, run } from "./support.ts";

Deno.test("examples/runner.service is what service install writes", async () => {
  const world = new FakeWorld({});
  assertEquals(await world.run("service", "install", "--print", "--name", "build", "--run-as", "builder"), 0);
  assertEquals(world.stdout, await Deno.readTextFile(`${ROOT}examples/runner.service`));
});

const hasPython = await run(["python3", "--version"]).then(({ code }) => code === 0, () => false);

Deno.test({ name: "examples/submit_from_python.py prints what it says", ignore: !hasPython }, async () => {
  await using world = await World.create();
  await world.runner();
  const file = `${ROOT}examples/submit_from_python.py`;
  const { code, stdout, stderr } = await run(["python3", file], { bare: true, env: world.env() });
  const said = (await Deno.readTextFile(file)).split("# Output:\n")[1].replace(/^# /gm, "");
  assertEquals([code, stdout], [0, said], stderr);
});

Deno.test("every variable of examples/docker-compose.yml is one that the program reads", async () => {
  const text = await Deno.readTextFile(`${ROOT}examples/docker-compose.yml`);
  const permitted = await Deno.readTextFile(`${ROOT}scripts/permissions`);
  const names = [...text.matchAll(/^ {6}([A-Z_]+):/gm)].map(([, name]) => name);
  assertEquals(names, ["REDIS_URL", "RUNNER_NAME", "RUNNER_SPOOL"]);
  assertEquals(names.filter((name) => !permitted.includes(`env ${name}\n`)), []);
});
