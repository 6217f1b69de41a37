import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { freePort } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { RunnerFixture, type RunnerProcess } from "../support/runner_fixture.ts";

const decoder = new TextDecoder();

async function output(command: string, ...args: string[]): Promise<string> {
  return decoder.decode((await new Deno.Command(command, { args }).output()).stdout);
}

/** What a server replies to a program that has no password. */
async function ask(port: number, line: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`${line}\r\n`));
  const buffer = new Uint8Array(1000);
  const length = await connection.read(buffer) ?? 0;
  connection.close();
  return decoder.decode(buffer.subarray(0, length));
}

/** A fixture with a runner that has a Redis of its own, without a word about a password. */
function ownRedis(fixture: RunnerFixture) {
  const port = freePort();
  const env = { REDIS_URL: `127.0.0.1:${port}` };
  const start = (): Promise<RunnerProcess> => fixture.runner({ args: ["--embedded-redis"], env });
  const file = `${fixture.dir}/state/runner/redis@${port}`;
  return { port, env, start, file };
}

Deno.test("a Redis of the runner's own lets in the programs of its user, who need no password, and no other user", async () => {
  await using fixture = await RunnerFixture.create();
  const { port, env, start, file } = ownRedis(fixture);
  const runner = await start();
  const submitted = await fixture.run(["submit", "--wait", "echo kept"], { env });
  assertEquals([submitted.code, submitted.stderr.includes("password")], [0, false], submitted.stderr);
  assertEquals((await fixture.run(["status"], { env })).code, 0);
  assertEquals((await fixture.run(["doctor"], { env })).code, 0);
  assertMatch(await ask(port, "PING"), /^-NOAUTH/);
  const other = { ...env, XDG_STATE_HOME: `${fixture.dir}/other` };
  const refused = await fixture.run(["submit", "true"], { env: other });
  assertEquals(refused.code, 69);
  assertStringIncludes(refused.stderr, "wants a password");

  const stat = await Deno.stat(file);
  assertEquals(stat.mode! & 0o777, 0o600);
  const [password] = (await Deno.readTextFile(file)).split("\n");
  assert(password.length >= 32);
  for (const [command, ...args] of [["ps", "-eo", "args"], ["ps", "axeww"]]) {
    assertEquals((await output(command, ...args)).includes(password), false);
  }
  assertEquals(runner.log.includes(password), false);

  await runner.kill9();
  assertEquals((await fixture.run(["status"], { env })).code, 0, "the Redis goes on, and is found");
  const again = await start();
  assertEquals((await Deno.readTextFile(file)).split("\n")[0], password, "it was taken over");
  assertEquals(await again.stop(), 0);
  assertEquals((await fixture.run(["status"], { env })).code, 69);
  assertEquals(await Deno.stat(file).catch(() => null), null);

  const third = await start();
  assert((await Deno.readTextFile(file)).split("\n")[0] !== password, "a new one with each start of the server");
  const status = await fixture.run(["status", submitted.stdout.trim(), "--json"], { env });
  assertEquals(JSON.parse(status.stdout).result, "kept\n");
  assertEquals(await third.stop(), 0);
});

Deno.test("an access file that others may read or write, or that is none, is not used", async () => {
  await using fixture = await RunnerFixture.create();
  const { env, start, file } = ownRedis(fixture);
  const runner = await start();
  const text = await Deno.readTextFile(file);
  const spoilers: (() => Promise<unknown>)[] = [
    () => Deno.chmod(file, 0o640),
    () => Deno.remove(file).then(() => Deno.symlink(`${file}-other`, file)),
    () => output("sh", "-c", `rm "${file}"; mkfifo "${file}"`),
    () => output("sh", "-c", `rm "${file}"; echo >"${file}"; chmod 600 "${file}"`),
  ];
  await Deno.writeTextFile(`${file}-other`, text, { mode: 0o600 });
  for (const spoil of spoilers) {
    await spoil();
    const { code, stderr } = await fixture.run(["status"], { env });
    assertEquals(code, 69);
    assertStringIncludes(stderr, "wants a password");
  }
  await Deno.remove(file);
  assertEquals(await runner.stop(), 0);
});

/** A program that says what a Redis says to each client, and records what it was asked. */
function pretender(port: number, configFile: string) {
  const asked: string[] = [];
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const info = `redis_version:7.0.0\r\nrole:master\r\nconfig_file:${configFile}\r\n`;
  const replies: Readonly<Record<string, string>> = {
    AUTH: "+OK\r\n",
    PING: "+PONG\r\n",
    INFO: `$${info.length}\r\n${info}\r\n`,
    CONFIG: "*2\r\n$10\r\nmasterauth\r\n$3\r\nyes\r\n",
  };
  const serve = async (connection: Deno.Conn) => {
    for await (const bytes of connection.readable) {
      for (const [, command] of decoder.decode(bytes).matchAll(/\*\d+\r\n\$\d+\r\n([A-Z]+)\r\n/gi)) {
        asked.push(command.toUpperCase());
        await connection.write(new TextEncoder().encode(replies[command.toUpperCase()] ?? ":1\r\n"));
      }
    }
  };
  const listen = async () => {
    for await (const connection of listener) serve(connection).catch(() => {});
  };
  const over = listen();
  return {
    asked,
    close: async () => {
      listener.close();
      await over;
    },
  };
}

Deno.test("a program that occupies the address of a runner's own Redis is asked for its proof, and for no work", async () => {
  await using fixture = await RunnerFixture.create();
  const { port, env, start, file } = ownRedis(fixture);
  const runner = await start();
  const config = `${fixture.instance()}/redis/redis.conf`;
  const pid = (await output("pgrep", "-f", `redis-server.*:${port}$`)).trim();
  assertMatch(pid, /^\d+$/);
  Deno.kill(Number(pid), "SIGKILL");
  await until("its port is free", () => {
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return true;
    } catch {
      return false;
    }
  });
  const { asked, close } = pretender(port, config);
  await until("the runner came back to the address", () => asked.includes("CONFIG") || asked.includes("EVALSHA"));
  const client = await fixture.run(["submit", "echo secret"], { env });
  assertEquals(client.code, 69, client.stderr);
  assertStringIncludes(client.stderr, `start that runner again, or remove "${file}" when it is over`);
  await runner.kill9();
  const next = await fixture.runner({ args: ["--embedded-redis"], env, ready: false });
  assertEquals(await next.ended, 1, next.log);
  assertStringIncludes(next.log, "one answers there already");
  assertEquals(asked.filter((command) => !["AUTH", "PING", "CONFIG"].includes(command)), []);
  await close();
});
