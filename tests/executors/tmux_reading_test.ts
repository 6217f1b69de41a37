import type { Launch } from "../../src/ports/executor.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { isolatedTest, type TmuxHost } from "../support/tmux_host.ts";
import { until } from "../support/until.ts";
import { ExecutorFixture, launchOf } from "./executor_fixture.ts";
import { NOT_READING, READING } from "./terminal_conformance.ts";

/** Programs that poll their terminal, beside whatever else they need. */
const POLLING = ["vi -u NONE", "python3 -qi", "node", "zsh -fi", "less /etc/passwd"];

/** Launches programs, and checks which of them are said to wait for input. */
async function check(host: TmuxHost, fixture: ExecutorFixture, reading: readonly string[], others: readonly string[]) {
  const start = async (payload: string): Promise<Launch> => {
    const launch = launchOf(`cd '${host.dir}'; ${payload}`);
    await fixture.executor.launch(launch);
    return launch;
  };
  const want: Launch[] = [];
  for (const payload of reading) want.push(await start(payload));
  const all = [...want];
  for (const payload of others) all.push(await start(payload));
  const runs = all.map(({ name: run }) => run);
  const readers = async () => {
    const found = await fixture.executor.reading(runs);
    return all.filter(({ name: run }) => found.has(run)).map(({ payload }) => payload);
  };
  const names = want.map(({ payload }) => payload);
  let last: string[] = [];
  await until("all who read have begun", async () => (last = await readers()).length >= names.length).catch(() => {
    assertEquals(last, names);
  });
  for (let calls = 0; calls < 3; calls++) assertEquals(await readers(), names);
  for (const run of runs) await fixture.executor.stop(run, "cancelled", 0);
}

/** Those whose program is here. */
async function installed(host: TmuxHost, payloads: readonly string[]): Promise<string[]> {
  const here: string[] = [];
  for (const payload of payloads) {
    if (await host.sh(`command -v ${payload.split(" ")[0]}`) !== "") here.push(payload);
  }
  return here;
}

isolatedTest("programs that poll their terminal wait for input, unless they wait for others as well", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const port = (listener.addr as Deno.NetAddr).port;
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) connections.push(connection);
  })();
  const reading = await installed(host, [
    ...POLLING,
    "python3 -c 'import os, select; select.select([0, os.pipe()[0]], [], [])'",
    "python3 -c 'import select; p = select.poll(); p.register(0, 1); p.poll()'",
    "python3 -c 'import select; p = select.epoll(); p.register(0, 1); p.poll()'",
    "python3 -c 'import threading; t = threading.Thread(target=input); t.start(); t.join()'",
  ]);
  assert(reading.length > 0, "none of these programs is installed");
  const others = await installed(host, [
    `exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3`,
    `exec 3<>/dev/tcp/127.0.0.1/${port}; read -r line <&3`,
    "script -qc 'sleep 60' /dev/null",
    "python3 -c 'import os, select; select.select([0, os.openpty()[0]], [], [])'",
    `python3 -c 'import select, socket; select.select([0, socket.create_connection(("127.0.0.1", ${port}))], [], [])'`,
    `python3 -c 'import select, socket
s = socket.create_connection(("127.0.0.1", ${port}))
p = select.poll()
p.register(0, 1)
p.register(s)
p.poll()'`,
    "python3 -c 'import select; select.select([], [0], [], 0); select.select([], [], [], 60)'",
  ]);
  await check(host, fixture, reading, others);
  listener.close();
  await accepting;
  for (const connection of connections) connection.close();
});

isolatedTest("where the kernel hides the system calls, the same is reported of simple programs", async (host) => {
  const fixture = await ExecutorFixture.open(host.executor());
  const [script] = (await host.sh(`ls '${host.dir}'/spool/bin/reading-*`)).split("\n");
  const text = await Deno.readTextFile(script);
  assert(text.includes('<"$1/syscall"'));
  await Deno.writeTextFile(script, text.replaceAll('<"$1/syscall"', '<"$1/hidden"'));
  await check(host, fixture, READING, NOT_READING);
});
