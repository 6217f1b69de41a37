import { SetupError } from "../../src/domain/errors.ts";
import { defaultSpool } from "../../src/system/host.ts";
import { openInstance } from "../../src/system/instance.ts";
import { whyUnsafe } from "../../src/system/safe_folder.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../support/assert.ts";
import { temporaryFolder } from "../dist/support.ts";

/** A user that is not ours. */
const OTHER = 54_321;
const noRoot = Deno.uid() !== 0;

function has(values: Readonly<Record<string, string>>) {
  return { get: (name: string) => values[name], readFile: () => Promise.reject(), openFile: () => Promise.reject() };
}

async function pipe(path: string): Promise<void> {
  assertEquals((await new Deno.Command("mkfifo", { args: [path] }).output()).success, true);
}

Deno.test("the default spool is below the home folder, and in /var/tmp only without one", async () => {
  await using folder = await temporaryFolder();
  const [home, none] = [folder.path, `/var/tmp/runner-${Deno.uid()}`];
  assertEquals(defaultSpool(has({ HOME: home })), `${home}/.local/state/runner`);
  assertEquals(defaultSpool(has({ HOME: home, XDG_STATE_HOME: "/state" })), "/state/runner");
  assertEquals(defaultSpool(has({ HOME: home, XDG_STATE_HOME: "state" })), `${home}/.local/state/runner`);
  for (const without of [{}, { HOME: "" }, { HOME: "relative" }, { HOME: `${home}/none` }]) {
    assertEquals(defaultSpool(has(without as Record<string, string>)), none);
  }
});

Deno.test({
  name: "a folder is safe when no other user owns, or may write into, one on the way to it",
  ignore: noRoot,
  fn: async () => {
    const cases: [string, (way: string) => void, RegExp | null][] = [
      ["ours alone", () => {}, null],
      [
        "the folder of another user",
        (way) => Deno.chownSync(`${way}/spool`, OTHER, null),
        /spool" belongs to user 54321/,
      ],
      ["a folder above of another user", (way) => Deno.chownSync(way, OTHER, null), /way" belongs to user 54321/],
      ["open to all", (way) => Deno.chmodSync(way, 0o777), /others may write into ".*way" \(mode 777\)/],
      ["open to a group", (way) => (Deno.chmodSync(way, 0o770), Deno.chownSync(way, null, OTHER)), /mode 770/],
      ["open to all, sticky", (way) => Deno.chmodSync(way, 0o1777), null],
      ["readable by all", (way) => Deno.chmodSync(way, 0o755), null],
    ];
    for (const [what, spoil, says] of cases) {
      await using folder = await temporaryFolder();
      const way = `${folder.path}/way`;
      await Deno.mkdir(`${way}/spool`, { recursive: true, mode: 0o700 });
      spoil(way);
      await Deno.symlink(`${way}/spool`, `${folder.path}/link`);
      for (const path of [`${way}/spool`, `${way}/./spool/../spool/`, `${folder.path}/link`, `${way}/spool/missing`]) {
        const reason = whyUnsafe(path);
        if (says === null) assertEquals(reason, null, `${what}: ${path}`);
        else assertMatch(reason ?? "", says, `${what}: ${path}`);
      }
    }
  },
});

Deno.test({
  name: "a symbolic link on the way is followed when it is ours, and refused when another user could turn it",
  ignore: noRoot,
  fn: async () => {
    await using folder = await temporaryFolder();
    const link = `${folder.path}/link`;
    await Deno.symlink("/usr", link);
    assertEquals(whyUnsafe(`${link}/spool`), null);
    const owned = await new Deno.Command("chown", { args: ["-h", String(OTHER), link] }).output();
    assertEquals(owned.success, true);
    assertMatch(whyUnsafe(`${link}/spool`) ?? "", /link" belongs to user 54321/);
    await Deno.symlink("loop", `${folder.path}/loop`);
    assertEquals(whyUnsafe(`${folder.path}/loop/spool`), "its path has too many symbolic links");
  },
});

/** Root enters every folder, unless it gives that up. */
const MORTAL = noRoot ? [] : ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];

Deno.test("a folder that our user may not enter can be checked, and is refused with the reason", async () => {
  await using folder = await temporaryFolder();
  const [closed, path] = [`${folder.path}/closed`, `${folder.path}/closed/below/spool`];
  await Deno.mkdir(closed, { mode: 0o000 });
  const from = (file: string) => JSON.stringify(import.meta.resolve(`../../src/system/${file}`));
  const code = `import { inspectFolder } from ${from("inspect_folder.ts")}; import { openInstance } from ${
    from("instance.ts")
  };
    console.log(JSON.stringify(await inspectFolder("${path}")));
    await openInstance("${path}").catch(({ message }) => console.log(message));`;
  const [command, ...args] = [...MORTAL, Deno.execPath(), "eval", code];
  const { stdout } = await new Deno.Command(command, { args, stderr: "inherit" }).output();
  const [inspection, said] = new TextDecoder().decode(stdout).split("\n");
  const { is, unsafe, writable } = JSON.parse(inspection || "{}");
  assertEquals({ is, unsafe, writable }, { is: "missing", unsafe: null, writable: false });
  assertMatch(said, /^Cannot use spool folder ".*": Permission denied.*; name another one with --spool$/);
});

/** What a runner's folder has, one of each kind. */
const CONTENT = [
  ...["lock", "instance", "owners", "owners.new", "runs.jsonl", "runs.jsonl.new", "secret", "done", "host"],
  ...["bin/lane-1.sh", "jobs/r.stop", "out/r", "kept/r", "epochs/1", "hooks/r.sh"],
  ...["lanes/1/in", "lanes/1/run", "lanes/1/root", "lanes/1/log", "lanes/1/journal"],
];
const PIPES = ["done", "lanes/1/in"];

async function refused(dir: string, says: RegExp): Promise<void> {
  const error = await assertRejects(() => openInstance(dir), SetupError);
  assertMatch(error.message, says);
  assertMatch(error.message, /^Cannot use spool folder /);
}

Deno.test("a runner's folder with a link or a pipe in the place of anything is refused at once, and nothing is read", async () => {
  for (const name of [...CONTENT, "bin", "jobs", "out", "kept", "epochs", "hooks", "lanes", "lanes/1"]) {
    await using folder = await temporaryFolder();
    const dir = `${folder.path}/one`;
    const path = `${dir}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
    const target = `${folder.path}/target`;
    await Deno.writeTextFile(target, "kept");
    await Deno.symlink(target, path);
    await refused(dir, /is a symbolic link/);
    await Deno.remove(path);
    assertEquals(await Deno.readTextFile(target), "kept");
    await pipe(path);
    if (PIPES.includes(name)) (await openInstance(dir)).release();
    else await refused(dir, /is a pipe/);
  }
});

Deno.test({
  name: "a runner's folder that another user made, or may write into, or has something in, is refused",
  ignore: noRoot,
  fn: async () => {
    for (const name of CONTENT) {
      await using folder = await temporaryFolder();
      const dir = `${folder.path}/one`;
      const path = `${dir}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
      await Deno.writeTextFile(path, "");
      await Deno.chown(path, OTHER, null);
      await refused(dir, /belongs to user 54321, not to user 0/);
    }
    await using folder = await temporaryFolder();
    const dir = `${folder.path}/one`;
    await Deno.mkdir(dir);
    await Deno.chmod(dir, 0o1777);
    await refused(dir, /others may write into .* \(mode 1777\)/);
    await Deno.chmod(dir, 0o700);
    await Deno.chown(dir, OTHER, null);
    await refused(dir, /one" belongs to user 54321/);
    await Deno.remove(dir);
    await Deno.symlink(folder.path, dir);
    await refused(dir, /one" is a symbolic link/);
  },
});

Deno.test("a runner's folder is locked as a whole, so that clean-ups of temporary folders leave it alone", async () => {
  await using folder = await temporaryFolder();
  const dir = `${folder.path}/one`;
  // as systemd-tmpfiles asks
  const isFree = async () => (await new Deno.Command("flock", { args: ["-n", "-x", dir, "true"] }).output()).success;
  const instance = await openInstance(dir);
  assert(!await isFree());
  instance.release();
  assert(await isFree());
});
