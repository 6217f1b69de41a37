import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf, patient, textOf, up } from "./executor_fixture.ts";

/** Processes of the namespace that are no part of tmux, lanes, logs or payloads. */
async function scripts(host: TmuxHost): Promise<string[]> {
  const list = await host.sh("pgrep -af '[b]in/(kill|deadline)-' || true");
  return list === "" ? [] : list.split("\n");
}

async function gone(host: TmuxHost, command: string): Promise<void> {
  await until(`tmux has ended "${command}"`, async () => await host.sh(`pgrep -fx '${command}' || true`) === "");
}

for (const laneShell of ["dash", "busybox sh", "mksh -i", "bash --norc -i"]) {
  isolatedTest(`a timeout holds in a lane of ${laneShell} when the runner dies as soon as it begins`, async (host) => {
    const first = await ExecutorFixture.open(host.executor({ laneShell }));
    const launch = launchOf(`echo up; sleep 61`, { timeoutMs: 1500, target: "tmux.main.work" });
    await first.executor.launch(launch);
    await first.executor.close();
    await until("it runs", async () => await host.sh("pgrep -fx 'sleep 61' || true") !== "");
    await gone(host, "sleep 61");
    const second = await ExecutorFixture.open(host.executor({ laneShell }));
    assertEquals([...(await second.executor.recover([launch])).values()], ["ended"]);
    const end = await second.end(launch.name);
    assertEquals([end.kind, end.code, textOf(end.output)], ["timed_out", 143, "up\n"]);
  });
}

isolatedTest("ten timed runs have no process that waits, however often the runner starts again", async (host) => {
  const launches = Array.from({ length: 10 }, () => patient(host.dir, { timeoutMs: 3_600_000 }));
  const first = await ExecutorFixture.open(host.executor());
  for (const launch of launches) await first.executor.launch(launch);
  for (const { name: run } of launches) await up(first, run);
  await until("the first look is over", async () => (await scripts(host)).length === 0);
  const others = async () => Number(await host.sh("ps -e -o comm= | grep -cv sleep"));
  const before = await others();
  await first.executor.close();
  let last = first;
  for (let i = 0; i < 10; i++) {
    last = await ExecutorFixture.open(host.executor());
    assertEquals((await last.executor.recover(launches)).size, 10);
    if (i < 9) await last.executor.close();
  }
  await until("no script waits", async () => (await scripts(host)).length === 0);
  // one of those before may have been about to end
  await until("nothing else waits", async () => await others() <= before);
  await Deno.writeTextFile(`${host.dir}/go`, "");
  for (const { name: run } of launches) assertEquals((await last.end(run)).kind, "exited");
});

isolatedTest("runs of many limits are each ended at their own while no runner lives", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  // the longest first: each one needs an earlier check than what is there
  const limits = [5000, 3500, 2000, 500];
  const launches = limits.map((timeoutMs, i) => launchOf(`sleep 7${i}; echo over`, { timeoutMs }));
  const free = patient(host.dir);
  for (const launch of [...launches, free]) await first.executor.launch(launch);
  await up(first, free.name);
  await first.executor.close();
  const left = async () => (await host.sh("pgrep -afx 'sleep 7.' | cut -d' ' -f3 | sort")).split("\n").join(" ");
  for (const rest of ["70 71 72", "70 71", "70", ""]) await until(`left: ${rest}`, async () => await left() === rest);
  await until("no script is left", async () => (await scripts(host)).length === 0);
  const second = await ExecutorFixture.open(host.executor());
  await second.executor.recover([...launches, free]);
  for (const { name: run } of launches) assertEquals((await second.end(run)).kind, "timed_out");
  await Deno.writeTextFile(`${host.dir}/go`, "");
  assertEquals((await second.end(free.name)).kind, "exited");
});

isolatedTest("a timeout holds without a runner also in a tmux server that was started anew", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const before = launchOf("sleep 62", { timeoutMs: 1000, target: "tmux.main.work" });
  await first.executor.launch(before);
  await host.tmux("kill-server");
  assertEquals((await first.end(before.name)).kind, "lost");
  // the timer for this one died with the first server
  const launch = launchOf("sleep 63", { timeoutMs: 2000, target: "tmux.main.work" });
  await first.executor.launch(launch);
  await first.executor.close();
  await until("it runs", async () => await host.sh("pgrep -fx 'sleep 63' || true") !== "");
  await gone(host, "sleep 63");
});

isolatedTest("a run that has ended is not taken for the next one in its lane", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const target = "tmux.main.work";
  await first.run(launchOf("true", { timeoutMs: 1000, target }));
  const launch = patient(host.dir, { target });
  await first.executor.launch(launch);
  await up(first, launch.name);
  await first.executor.close();
  // by then the first one's time is over
  await host.sh("sleep 3");
  await Deno.writeTextFile(`${host.dir}/go`, "");
  const second = await ExecutorFixture.open(host.executor());
  await second.executor.recover([launch]);
  assertEquals((await second.end(launch.name)).kind, "exited");
});

isolatedTest("a runner checks its lanes once for many runs of one timeout", async (host) => {
  const executor = host.executor();
  const fixture = await ExecutorFixture.open(executor);
  await fixture.output("true");
  const trace = `${host.dir}/checks`;
  const script = await host.sh(`ls '${host.dir}'/spool/bin/deadline-*`);
  const text = await Deno.readTextFile(script);
  await Deno.writeTextFile(script, `echo look >>'${trace}'\n${text}`);
  for (let i = 0; i < 50; i++) await fixture.output("true", { timeoutMs: 60_000 });
  assertEquals(await Deno.readTextFile(trace), "look\n");
});

isolatedTest("a check that a runner relies on comes also when others have come before it", async (host) => {
  const first = await ExecutorFixture.open(host.executor());
  const before = patient(host.dir, { timeoutMs: 3000 });
  await first.executor.launch(before);
  await up(first, before.name);
  await first.executor.close();
  const second = await ExecutorFixture.open(host.executor());
  await second.executor.recover([before]);
  const trace = `${host.dir}/checks`;
  const script = await host.sh(`ls '${host.dir}'/spool/bin/deadline-*`);
  await Deno.writeTextFile(script, `echo look >>'${trace}'\n${await Deno.readTextFile(script)}`);
  const checks = async () => (await Deno.readTextFile(trace).catch(() => "")).split("\n").length - 1;
  // the check that it needs is later than the one that is there
  await second.output("true", { timeoutMs: 7000 });
  await Deno.writeTextFile(`${host.dir}/go`, "");
  assertEquals((await second.end(before.name)).kind, "exited");
  const asked = await checks();
  await until("the check for the first run finds none", async () => await checks() > asked);
  await until("it is over", async () => (await scripts(host)).length === 0);
  const launch = launchOf("sleep 64", { timeoutMs: 7000, target: "tmux.main.work" });
  await second.executor.launch(launch);
  await until("it runs", async () => await host.sh("pgrep -fx 'sleep 64' || true") !== "");
  await second.executor.close();
  await gone(host, "sleep 64");
});

isolatedTest("a kill script gives way to one that is at it, and replaces one that died", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const payload = `trap 'echo x >>"${host.dir}/terms"' TERM; echo up; while :; do sleep 0.05; done`;
  const launch = launchOf(payload, { target: "tmux.main.work" });
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  const terms = () => Deno.readTextFile(`${host.dir}/terms`).catch(() => "");
  const pid = (await host.tmux("list-panes -t main:work -F '#{pane_pid}'"))[0];
  const script = await host.sh(`ls '${host.dir}/spool/bin/'kill-*`);
  const order = (reason: string, grace: number) =>
    `sh '${script}' '${host.dir}/spool' 1 ${pid} ${launch.name} ${reason} ${grace}`;
  await host.sh(`{ ${order("cancelled", 300)}; } >/dev/null 2>&1 &`);
  await until("it is at it", async () => await terms() === "x\n");
  assertEquals(await host.sh(`${order("timed_out", 0)}; echo $?`), "0");
  assertEquals([await terms(), fixture.ends.length], ["x\n", 0]);
  await host.sh(`kill -9 $(sed -n 2p '${host.dir}/spool/jobs/${launch.name}.stop')`);
  await host.sh(order("timed_out", 2));
  // read by a runner that did not give the order itself
  await fixture.executor.close();
  const second = await ExecutorFixture.open(host.executor());
  await second.executor.recover([launch]);
  const end = await second.end(launch.name);
  assertEquals([end.kind, end.code], ["cancelled", 137]);
  assert((await terms()).startsWith("x\n"));
});

isolatedTest("nothing that ends a run outlives the tmux server", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const launches = Array.from({ length: 4 }, () =>
    launchOf("trap '' TERM; echo up; while :; do sleep 0.05; done", {
      timeoutMs: 3_600_000,
    }));
  for (const launch of launches) await fixture.executor.launch(launch);
  for (const { name: run } of launches) await up(fixture, run);
  await fixture.executor.close();
  const second = await ExecutorFixture.open(host.executor());
  await second.executor.recover(launches);
  for (const { name: run } of launches.slice(0, 2)) await second.executor.stop(run, "cancelled", 60_000);
  const runs = async () => (await scripts(host)).join("\n");
  await until("two are being ended", async () => {
    const list = await runs();
    return launches.slice(0, 2).every(({ name: run }) => list.includes(run));
  });
  await second.executor.close();
  await host.tmux("kill-server");
  await until("no script is left", async () => (await scripts(host)).length === 0);
});

for (const [shell, awk] of [["dash", "mawk"], ["bash", "mawk"], ["mksh", "mawk"], ["busybox", "busybox"]]) {
  isolatedTest(`a timeout holds where sh is ${shell} and awk is ${awk}, also against TERM`, async (host) => {
    await host.sh(
      `mkdir '${host.dir}/bin'; ln -s "$(command -v ${shell})" '${host.dir}/bin/sh'; ln -s "$(command -v ${awk})" '${host.dir}/bin/awk'`,
    );
    const env = { ...host.env, PATH: `${host.dir}/bin:${host.env.PATH}` };
    const first = await ExecutorFixture.open(host.executor({ env, killGraceMs: 300 }));
    const late = launchOf("echo up; sleep 62", { timeoutMs: 2500 });
    const stubborn = launchOf("trap '' TERM; echo up; while :; do sleep 0.05; done", { timeoutMs: 200 });
    for (const launch of [late, stubborn]) await first.executor.launch(launch);
    await first.executor.close();
    await until("it runs", async () => await host.sh("pgrep -fx 'sleep 62' || true") !== "");
    await gone(host, "sleep 62");
    await until("no script is left", async () => (await scripts(host)).length === 0);
    const second = await ExecutorFixture.open(host.executor({ env }));
    await second.executor.recover([late, stubborn]);
    for (const [{ name: run }, code] of [[late, 143], [stubborn, 137]] as const) {
      const end = await second.end(run);
      assertEquals([end.kind, end.code, textOf(end.output)], ["timed_out", code, "up\n"]);
    }
  });
}
