import { SetupError } from "../../src/domain/errors.ts";
import type { TmuxOptions } from "../../src/executors/tmux/options.ts";
import type { Process } from "../../src/ports/process.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { ExecutorFixture, patient, textOf, up } from "./executor_fixture.ts";

/** Process id of the tests' server. */
async function serverOf(host: TmuxHost): Promise<string> {
  return (await host.tmux("display-message -p '#{pid}'"))[0];
}

/** What a cleaner of temporary files may remove. */
const CLEANERS: [string, (host: TmuxHost) => Promise<string>][] = [
  ["its socket", (host) => host.sh(`rm '${host.dir}'/tmux-*/test`)],
  ["the folder of its socket", (host) => host.sh(`rm -r '${host.dir}'/tmux-*`)],
];

for (const [what, clean] of CLEANERS) {
  isolatedTest(`a tmux server that loses ${what} is found again, and nothing in it is lost`, async (host) => {
    const fixture = await ExecutorFixture.open(host.executor());
    const launch = patient(host.dir, { target: "tmux.main.work" }, "echo over; exit 3");
    await fixture.executor.launch(launch);
    await up(fixture, launch.name);
    const server = await serverOf(host);
    await clean(host);
    assert(await fixture.executor.screen(launch.name) !== null, "its terminal cannot be seen");
    assertEquals(await serverOf(host), server);
    await Deno.writeTextFile(`${host.dir}/go`, "");
    const end = await fixture.end(launch.name);
    assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 3, "up\nover\n"]);
    assertEquals(await fixture.output("echo next"), "next\n");
  });

  isolatedTest(`a runner that starts after its tmux server lost ${what} adopts what runs there`, async (host) => {
    const first = await ExecutorFixture.open(host.executor());
    const launch = patient(host.dir, { target: "tmux.main.work" }, "echo over; exit 3");
    await first.executor.launch(launch);
    await up(first, launch.name);
    const server = await serverOf(host);
    await first.executor.close();
    await clean(host);
    const second = await ExecutorFixture.open(host.executor());
    assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
    assertEquals(await serverOf(host), server);
    await Deno.writeTextFile(`${host.dir}/go`, "");
    const end = await second.end(launch.name);
    assertEquals([end.kind, end.code, textOf(end.output)], ["exited", 3, "up\nover\n"]);
  });
}

isolatedTest("a runner whose jobs run in a tmux server of another socket folder does not start", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const launch = patient(host.dir);
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  await Deno.mkdir(`${host.dir}/other`);
  const env = { ...host.env, TMUX_TMPDIR: `${host.dir}/other` };
  await assertRejects(
    host.executor({ env }),
    SetupError,
    "start it with the --tmux-socket and TMUX_TMPDIR that it had before",
  );
  const second = await ExecutorFixture.open(host.executor());
  assertEquals([...(await second.executor.recover([launch])).values()], ["adopted"]);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  assertEquals((await second.end(launch.name)).kind, "exited");
});

isolatedTest("a runner whose idle terminals are in a tmux server out of reach makes another one", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  assertEquals(await first.output("echo first"), "first\n");
  await first.executor.close();
  await Deno.mkdir(`${host.dir}/other`);
  const env = { ...host.env, TMUX_TMPDIR: `${host.dir}/other` };
  const second = await ExecutorFixture.open(host.executor({ env }));
  await second.executor.recover([]);
  assertEquals(await second.output("echo next"), "next\n");
});

const LONG = "a".repeat(120);

/** What is wrong with the socket's folder; what tmux says of it; what to do. */
const UNFIT: [name: string, spoil: string, changes: Partial<TmuxOptions>, says: string, remedy: string][] = [
  [
    "lies on a disk that cannot be written to",
    "mkdir disk; mount -t tmpfs disk disk; mkdir -m 700 disk/tmux-$(id -u); mount -o remount,ro disk",
    { env: { TMUX_TMPDIR: "disk" } },
    "Read-only file system",
    "TMUX_TMPDIR",
  ],
  ["has a path that is too long", "true", { socket: LONG }, "File name too long", "--tmux-socket"],
  ["is in a folder that others may use", "mkdir -m 777 tmux-$(id -u)", {}, "unsafe permissions", "chmod 700"],
  ["has a file for a folder", "touch tmux-$(id -u)", {}, "is not a directory", "TMUX_TMPDIR"],
  ["is a folder", "mkdir -m 700 tmux-$(id -u); mkdir tmux-$(id -u)/test", {}, "Is a directory", "TMUX_TMPDIR"],
];

for (const [name, spoil, changes, says, remedy] of UNFIT) {
  isolatedTest(`open() says at once, in the words of tmux, that a socket ${name}`, async (host) => {
    await host.sh(`cd '${host.dir}'; umask 0; ${spoil}`);
    const env = { ...host.env, ...changes.env?.TMUX_TMPDIR ? { TMUX_TMPDIR: `${host.dir}/disk` } : {} };
    const asked: string[] = [];
    const process = {
      ...host.process,
      run: (...[command, args, options]: Parameters<Process["run"]>) => {
        asked.push(args.join(" "));
        return host.process.run(command, args, options);
      },
    };
    const open = host.executor({ ...changes, env, process });
    const { message } = await assertRejects(open, SetupError, says);
    assert(message.includes(remedy) && !message.includes("or later is needed"), message);
    assert(asked.length <= 4, `it asked again and again: ${asked.length} times`);
  });
}

isolatedTest("open() names the programs that the host lacks", async (host) => {
  await host.sh(
    `mkdir '${host.dir}/bin'; cd '${host.dir}/bin'; ln -s "$(command -v tmux)" "$(command -v nsenter)" "$(command -v sh)" /bin/cat .`,
  );
  const open = host.executor({ env: { ...host.env, PATH: `${host.dir}/bin` } });
  const { message } = await assertRejects(
    open,
    SetupError,
    "Cannot run jobs: this host has no awk, cut,",
  );
  assert(message.includes(" grep,") && !message.includes(" cat,"), message);
});
