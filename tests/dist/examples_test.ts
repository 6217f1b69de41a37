import { assertEquals } from "../support/assert.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { CommandFixture } from "../cli/command_fixture.ts";
import { ROOT, run } from "./support.ts";

Deno.test("examples/runner.service is what service install writes", async () => {
  const fixture = new CommandFixture({});
  assertEquals(await fixture.run("service", "install", "--print", "--name", "build", "--run-as", "builder"), 0);
  assertEquals(fixture.stdout, await Deno.readTextFile(`${ROOT}examples/runner.service`));
});

const hasPython = await run(["python3", "--version"]).then(({ code }) => code === 0, () => false);

Deno.test({ name: "examples/submit_from_python.py prints what it says", ignore: !hasPython }, async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const file = `${ROOT}examples/submit_from_python.py`;
  const { code, stdout, stderr } = await run(["python3", file], { bare: true, env: fixture.env() });
  const said = (await Deno.readTextFile(file)).split("# Output:\n")[1].replace(/^# /gm, "");
  assertEquals([code, stdout], [0, said], stderr);
});

const hasYaml = await run(["python3", "-c", "import yaml"]).then(({ code }) => code === 0, () => false);

/** What matters of the compose file. */
interface Compose {
  readonly services: Record<string, { readonly [key: string]: unknown; readonly volumes: string[] }>;
  readonly volumes: Record<string, null>;
}

Deno.test({ name: "examples/docker-compose.yml is read as it is meant", ignore: !hasYaml }, async () => {
  const read = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
  const { stdout, stderr } = await run(["python3", "-c", read, `${ROOT}examples/docker-compose.yml`]);
  assertEquals(stderr, "");
  const { services, volumes } = JSON.parse(stdout) as Compose;
  assertEquals(Object.keys(services), ["redis", "first", "second"]);
  // a spool belongs to one runner, and the file declares each
  const used = Object.values(services).flatMap((service) => service.volumes.map((volume) => volume.split(":")[0]));
  assertEquals(used, Object.keys(volumes));
  const { first, second } = services;
  assertEquals([first.hostname, second.hostname], ["first", "second"]);
  const same = (service: Compose["services"][string]) => ({ ...service, hostname: "", volumes: [] });
  assertEquals(same(first), same(second));
  assertEquals(first.command, "run");
});

Deno.test("every variable of examples/docker-compose.yml is one that the program reads", async () => {
  const text = await Deno.readTextFile(`${ROOT}examples/docker-compose.yml`);
  const permitted = await Deno.readTextFile(`${ROOT}scripts/permissions`);
  const names = [...text.matchAll(/^ {6}([A-Z_]+):/gm)].map(([, name]) => name);
  assertEquals(names, ["REDIS_URL", "RUNNER_NAME", "RUNNER_SPOOL"]);
  assertEquals(names.filter((name) => !permitted.includes(`env ${name}\n`)), []);
});
