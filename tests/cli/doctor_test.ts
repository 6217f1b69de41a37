import { assertEquals, assertMatch } from "../support/assert.ts";
import { canMount, SmallDisk, whyNoDisk } from "../support/small_disk.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { examineKinds } from "../../src/executors/registry.ts";
import type { FolderInspection } from "../../src/ports/folder_inspection.ts";
import { judgeAddress } from "../../src/redis/check_address.ts";
import { parseRedisUrl } from "../../src/redis/url.ts";
import { inspectFolder } from "../../src/system/inspect_folder.ts";
import { anInstance } from "./fake_store.ts";
import { CommandFixture } from "./command_fixture.ts";
import { assertGolden } from "./golden.ts";
import { unavailable } from "../support/unavailable.ts";

function healthy(): CommandFixture {
  const fixture = new CommandFixture();
  fixture.redis.instanceList = [anInstance()];
  return fixture;
}

/** Subjects and severities of everything that is not all right. */
async function wrong(fixture: CommandFixture, code: number): Promise<string[]> {
  fixture.stdout = "";
  assertEquals([await fixture.run("doctor", "--json"), fixture.stderr], [code, ""]);
  const { ok, checks } = JSON.parse(fixture.stdout);
  assertEquals(ok, code === 0);
  return checks.filter(({ severity }: { severity: string }) => severity !== "ok")
    .map(({ subject, severity, says, remedy }: Record<string, string>) =>
      `${subject} ${severity}: ${says} -> ${remedy}`
    );
}

/** What is found on a host with this output of `tmux -V`, and without these programs. */
function hostWith(tmux: string | null, missing: readonly string[] = []) {
  return examineKinds({ version: () => Promise.resolve(tmux), missing: () => Promise.resolve(missing) });
}

Deno.test("doctor says what is all right, and what to do about the rest", async () => {
  const fixture = healthy();
  assertEquals([await fixture.run("doctor"), fixture.stderr], [0, ""]);
  await assertGolden("doctor_healthy", fixture.stdout);
  const ill = new CommandFixture();
  ill.findings = [{
    severity: "warning",
    subject: "persistence",
    says: "Redis keeps no append-only file",
    remedy: "CONFIG SET appendonly yes",
  }];
  ill.host = { ...ill.host, executors: await hostWith(null) };
  assertEquals([await ill.run("doctor"), ill.stderr], [1, ""]);
  await assertGolden("doctor_ill", ill.stdout);
});

Deno.test("doctor ends with 0 when there are only warnings", async () => {
  const fixture = new CommandFixture();
  assertEquals(await wrong(fixture, 0), [
    'runner warning: no runner "test_runner" is alive: its jobs wait -> runner run --name test_runner',
  ]);
});

Deno.test("doctor checks the host also when Redis cannot be reached", async () => {
  const fixture = new CommandFixture();
  fixture.openError = unavailable("Cannot run PING: Redis at h:1 cannot be reached: connection refused");
  fixture.host = { ...fixture.host, executors: await hostWith("tmux 3.1c"), missingRights: ["net", "run tmux"] };
  assertEquals(await wrong(fixture, 1), [
    "redis error: Redis at h:1 cannot be reached: connection refused -> start one there, name another with --redis-url, or for a first try: runner run --embedded-redis",
    "tmux error: tmux 3.1c is too old -> Install tmux 3.2 or newer",
    "permissions error: the program lacks permissions: net, run tmux -> Use the compiled program or scripts/runner, which grant them",
  ]);
});

Deno.test("doctor names the programs that a host lacks", async () => {
  const fixture = healthy();
  fixture.host = { ...fixture.host, executors: await hostWith("tmux 4.0", ["awk", "stty"]) };
  assertEquals(await wrong(fixture, 1), [
    "programs error: not in this PATH: awk, stty -> Install them: a runner needs all of them",
  ]);
});

Deno.test("doctor reports a tmux that is too old", async () => {
  const fixture = healthy();
  for (
    const [tmux, code] of [["tmux 3.2a", 0], ["tmux 4.0", 0], ["tmux openbsd-7.4", 0], ["tmux next-3.5", 0], [
      "tmux 2.9",
      1,
    ]] as const
  ) {
    fixture.host = { ...fixture.host, executors: await hostWith(tmux) };
    assertEquals((await wrong(fixture, code)).filter((line) => line.startsWith("tmux error")).length, code, tmux);
  }
});

Deno.test("doctor says what a version of tmux is known for, as a warning with one remedy", async () => {
  const fixture = healthy();
  const known: [string, string | null][] = [
    ["tmux 3.2a", "may die with all its jobs when a client attaches in control mode"],
    ["tmux 3.3a", "may die with all its jobs when a client attaches in control mode"],
    ["tmux 3.6b", "may die with all its jobs when a client attaches in control mode"],
    ["tmux 3.7c", "may die with all its jobs when a session ends while a client is attached in control mode"],
    ["tmux 3.8", null],
    ["tmux 4.0", null],
    ["tmux openbsd-7.9", null],
    ["tmux master", null],
  ];
  for (const [tmux, says] of known) {
    fixture.host = { ...fixture.host, executors: await hostWith(tmux) };
    const warning =
      `tmux warning: ${tmux} ${says} (tmux -C, iTerm2) -> Look with runner attach, or with tmux attach without -C`;
    assertEquals(await wrong(fixture, 0), says === null ? [] : [warning]);
  }
});

Deno.test("doctor judges the spool folder", async () => {
  const fixture = healthy();
  const cases: [Partial<FolderInspection>, number, string][] = [
    [{}, 0, ""],
    [{ is: "missing" }, 0, ""],
    [{ is: "missing", writable: false }, 1, "does not exist and cannot be created"],
    [{ is: "missing", unsafe: "it is of others" }, 1, "is not safe from other users: it is of others"],
    [{ is: "something else" }, 1, "is not a folder"],
    [{ writable: false }, 1, "cannot be written to"],
    [{ full: true }, 1, "has no free space: its disk is full"],
    [{ is: "missing", full: true }, 1, "has no free space: its disk is full"],
    [{ unsafe: "it is of others" }, 1, "is not safe from other users: it is of others"],
    [{ mode: 0o755 }, 0, "can be read by others (mode 755) -> chmod 700 /var/tmp/runner-0"],
  ];
  for (const [spool, code, says] of cases) {
    fixture.host = { ...fixture.host, spool: { ...healthy().host.spool, ...spool } };
    const found = await wrong(fixture, code);
    assertEquals(found.length, says === "" ? 0 : 1, JSON.stringify(spool));
    if (says !== "") assertMatch(found[0], new RegExp(says.replaceAll(/[()]/g, ".")));
  }
});

Deno.test("lookAtFolder() changes nothing", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/spool`;
  const missing = { path, is: "missing", unsafe: null, mode: 0, writable: true, full: false } as const;
  assertEquals(await inspectFolder(path), missing);
  assertEquals(await inspectFolder(`${path}/a/b/`), { ...missing, path: `${path}/a/b/` });
  await Deno.mkdir(path, { mode: 0o750 });
  assertEquals(await inspectFolder(path), {
    path,
    is: "folder",
    unsafe: null,
    mode: 0o750,
    writable: true,
    full: false,
  });
  assertEquals([...Deno.readDirSync(path)], []);
  await Deno.writeTextFile(`${path}/file`, "");
  assertEquals((await inspectFolder(`${path}/file`)).is, "something else");
  assertEquals((await inspectFolder(`${path}/file/below`)).writable, false);
  await Deno.remove(dir, { recursive: true });
});

Deno.test({
  name: "doctor of the real program sees a spool on a full disk, and leaves nothing there" + whyNoDisk,
  ignore: !canMount,
  fn: async () => {
    await using fixture = await RunnerFixture.create();
    await using disk = await SmallDisk.mount(`${fixture.dir}/small`, "8m");
    const spoolOf = async () => {
      const { code, stdout } = await fixture.run(["doctor", "--json", "--spool", disk!.dir]);
      const check = JSON.parse(stdout).checks.find(({ subject }: { subject: string }) => subject === "spool");
      return [code, check.severity, check.says];
    };
    assertEquals(await spoolOf(), [0, "ok", disk!.dir]);
    await disk!.fill();
    assertEquals(await spoolOf(), [
      1,
      "error",
      `${disk!.dir} has no free space: its disk is full, or a quota is used up`,
    ]);
    assertEquals([...Deno.readDirSync(disk!.dir)].map(({ name }) => name), ["filler"]);
  },
});

Deno.test("doctor of the real program asks the real Redis and the real tmux", async () => {
  await using fixture = await RunnerFixture.create();
  const { code, stdout, stderr } = await fixture.run(["doctor", "--json"]);
  const checks = Object.fromEntries(
    JSON.parse(stdout).checks.map((check: Record<string, string>) => [check.subject, check]),
  );
  assertEquals([code, stderr], [0, ""]);
  assertEquals(checks.redis.severity, "ok");
  assertEquals(checks.persistence.severity, "warning");
  assertMatch(checks.tmux.says, /^tmux \d/);
  assertEquals(checks.spool.says, `${fixture.dir}/spool does not exist yet; the first runner creates it`);
  assertEquals(checks.permissions.severity, "ok");
});

Deno.test("doctor warns of a password that others may see, or that is not there", () => {
  const cases: [url: string, subjects: string[]][] = [
    ["127.0.0.1", []],
    ["localhost:1", []],
    ["[::1]:1", []],
    ["redis://:pw@127.0.0.1", []],
    ["db.example", ["password"]],
    ["rediss://db.example", ["password"]],
    ["redis://:pw@db.example", ["encryption"]],
    ["rediss://:pw@db.example", []],
  ];
  for (const [url, subjects] of cases) {
    assertEquals(judgeAddress(parseRedisUrl(url)).map(({ subject }) => subject), subjects, url);
  }
});

Deno.test("doctor of the real program warns of a configuration file whose password others may read", async () => {
  await using fixture = await RunnerFixture.create();
  const file = `${fixture.dir}/config.json`;
  await Deno.writeTextFile(file, JSON.stringify({ redis_url: `redis://:hidden-word@${fixture.redis.address}` }));
  for (const [mode, warns] of [[0o644, true], [0o640, true], [0o600, false]] as const) {
    await Deno.chmod(file, mode);
    const { stdout } = await fixture.run(["doctor", "--json"], { env: { RUNNER_CONFIG: file, REDIS_URL: "" } });
    const found = JSON.parse(stdout).checks.filter(({ subject }: { subject: string }) => subject === "config");
    const check = {
      severity: "warning",
      subject: "config",
      says: `${file} holds the password of Redis and can be read by others`,
      remedy: `chmod 600 ${file}`,
    };
    assertEquals(found, warns ? [check] : []);
    assertEquals(stdout.includes("hidden-word"), false);
  }
});
