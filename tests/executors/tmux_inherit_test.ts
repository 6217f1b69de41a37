import type { Process } from "../../src/ports/process.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { isolatedTest, smallDiskTest, type TmuxHost } from "../support/tmux_host.ts";
import { ExecutorFixture, launchOf, patient, textOf, up } from "./executor_fixture.ts";

/** Starts programs inside with other settings of the shell. */
function after(host: TmuxHost, settings: string): Process {
  const script = ["-c", `${settings}; exec "$@"`, "sh"];
  return {
    ...host.process,
    run: (command, args, options) => host.process.run("sh", [...script, command, ...args], options),
  };
}

isolatedTest("a run has the file mode mask and the soft limits of the present runner", async (host) => {
  const facts = "umask; ulimit -S -c; ulimit -S -n; ulimit -S -s; ulimit -S -u; touch made; stat -c %a made";
  const first = await ExecutorFixture.open(
    host.executor({ process: after(host, "umask 002; ulimit -S -n 900; ulimit -S -c 0") }),
  );
  const output = await first.output(facts);
  assertEquals([...output.split("\n").slice(0, 3), output.split("\n")[5]], ["0002", "0", "900", "664"]);
  await first.executor.close();
  const settings =
    "umask 027; ulimit -S -c 7; ulimit -S -n 700; ulimit -S -s 4096; { ulimit -S -u 5000 || ulimit -S -p 5000; } 2>/dev/null";
  for (const shell of ["bash", "dash", "busybox"]) {
    // busybox is a shell by another name
    const path = shell === "busybox" ? `${host.dir}/sh` : `/bin/${shell}`;
    if (shell === "busybox") await host.sh(`ln -s "$(command -v busybox)" '${path}'`);
    const fixture = await ExecutorFixture.open(host.executor({ process: after(host, settings), shell: path }));
    await fixture.executor.recover([]);
    const limits = shell !== "dash" ? facts : facts.replace("ulimit -S -u", "ulimit -S -p");
    assertEquals(
      (await fixture.output(`rm -f made; ${limits}`)).replace("0027", "027"),
      "027\n7\n700\n4096\n5000\n640\n",
    );
    const program = "#!/bin/bash\numask; ulimit -S -n\n";
    assertEquals(await fixture.output(program), "0027\n700\n", "a payload with an interpreter as well");
    const hook = launchOf("");
    const command = `umask >'${host.dir}/hook'; ulimit -S -n >>'${host.dir}/hook'; env >>'${host.dir}/hook'`;
    assertEquals(await fixture.executor.hook({ name: hook.name, command, env: {}, limitMs: 5000 }), 0);
    const hooked = await Deno.readTextFile(`${host.dir}/hook`);
    assertMatch(hooked, /^0?027\n700\n/);
    assert(!/^TMUX/m.test(hooked), hooked);
    await fixture.executor.close();
  }
});

isolatedTest("a run gets no tmux server of the runner, nor one that the runner was started in", async (host) => {
  const env = { ...host.env, TMUX: "/tmp/theirs,1,0", TMUX_PANE: "%7", REDIS_URL: "secret", SSH_AUTH_SOCK: "x" };
  const fixture = await ExecutorFixture.open(host.executor({ env }));
  assertEquals(await fixture.output("env | grep -E 'TMUX|REDIS|SSH' || echo none"), "none\n");
  const launch = patient(host.dir);
  await fixture.executor.launch(launch);
  await up(fixture, launch.name);
  await fixture.run(launchOf("tmux kill-server; tmux new-session -d; tmux kill-server; true"));
  await Deno.writeTextFile(`${host.dir}/go`, "");
  assertEquals((await fixture.end(launch.name)).kind, "exited");
});

isolatedTest("a run gets a terminal of 200 x 50 with all colours, and ignores no signal", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor({ process: after(host, "trap '' HUP INT QUIT TERM") }));
  assertEquals(await fixture.output("echo $TERM $COLORTERM; stty size"), "tmux-256color truecolor\n50 200\n");
  // the first 31; those of the C library are its own
  const signals = await fixture.output("sed -n 's/^Sig[IB][gl][nk]:.*\\(.\\{8\\}\\)$/\\1/p' /proc/self/status");
  assertMatch(signals, /^[08]0{7}\n[08]0{7}\n$/);
  const tree = "ps -o pgid= -o tpgid= -p $$ | awk '{ print $1 == $2 }'; readlink /proc/$$/fd/[3-9] || echo closed";
  assertEquals(await fixture.output(tree), "1\nclosed\n");
});

isolatedTest("a payload may run itself again by $0, with what it has made of its environment", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const again =
    `if [ -z "\${AGAIN-}" ]; then cd /usr; umask 077; PATH="/mine:$PATH" AGAIN=1 exec "$0" one 'two three'; fi
echo "$#" "$2" "$PWD" "$(umask)" "\${PATH%%:*}"
`;
  for (const first of ["", "#!/bin/sh\n"]) {
    assertEquals(await fixture.output(first + again), "2 two three /usr 0077 /mine\n", first);
  }
  const bare = await fixture.run(launchOf('exec env -i /bin/sh "$0"'));
  assertEquals(bare.code, 126);
  assertMatch(textOf(bare.output), /no longer the script of this job, or RUNNER_RUN is not set/);
});

smallDiskTest("a payload that names its interpreter runs on a spool that is mounted noexec", async (host) => {
  await host.sh(`mount -o remount,noexec '${host.dir}/spool'`);
  await Deno.writeTextFile(`${host.dir}/spool/probe`, "#!/bin/sh\n", { mode: 0o700 });
  assertEquals(await host.sh(`'${host.dir}/spool/probe' && echo ran || true`), "");
  const fixture = await ExecutorFixture.open(host.executor());
  const program = "#!/usr/bin/env -S awk -f\nBEGIN { print 6 * 7 }\n";
  assertEquals(await fixture.output(program), "42\n");
  assertEquals(await fixture.output("#! /bin/sh -e \nfalse | true\necho $0 | grep -c bin\n"), "1\n");
  const missing = await fixture.run(launchOf("#!/no/such/program\n"));
  assertEquals(missing.code, 127);
  assertMatch(textOf(missing.output), /\/no\/such\/program/);
});

isolatedTest("a payload all of whose lines end in CR LF runs as if they ended in LF", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  assertEquals(await fixture.output("if true\r\nthen echo a\r\nfi\r\necho b"), "a\nb\n");
  assertEquals(await fixture.output("#!/bin/sh\r\nfor i in 1 2; do\r\n  echo $i\r\ndone\r\n"), "1\n2\n");
  assertEquals(await fixture.output("#!/bin/sh\r\necho mixed\n"), "mixed\n");
  assertEquals(
    await fixture.output("printf 'a\r\nb' | od -An -c | tr -s ' '\n"),
    " a \\r \\n b\n",
    "what is mixed stays",
  );
});
