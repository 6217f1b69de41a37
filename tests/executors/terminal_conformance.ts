import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import type { Kind } from "./conformance.ts";
import { ExecutorFixture, launchOf, patient, textOf, up } from "./executor_fixture.ts";

/** Programs that wait for a person to type. */
export const READING = [
  "read -r line",
  "read -rp 'Continue? ' line",
  "read -rt 60 line",
  "cat >/dev/null",
  "cat | cat",
  "head -n 1 /dev/tty",
  "sh -c 'read -r line; echo got'; echo over",
  "bash --norc -i",
  "sleep 60 & read -r line",
];
/** Programs that wait for something else, or for nothing. */
export const NOT_READING = [
  "sleep 60",
  "while :; do :; done",
  "sleep 60 & wait",
  "sh -c 'sleep 60; true'; echo over",
  "sleep 60 | cat",
  "sleep 60 | { read -r line; echo $line; }",
  "mkfifo pipe; cat pipe",
  "mkfifo both; exec 3<>both; read -r line <&3",
  "touch file; tail -f file",
  "tail -f /dev/null",
  "cat < /dev/zero > /dev/null",
  "cat & sleep 60",
];

/** What the port src/ports/attempt_terminals.ts promises. */
export function terminalConformance({ test, pool, line }: Kind): void {
  test("type() gives every byte to the program exactly, and to no other run", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const bytes = new Uint8Array(3000).map((_, i) => i % 256);
    const launch = launchOf(`stty raw; echo up; head -c ${bytes.length} >'${dir}/got'`, { target: line });
    await fixture.executor.launch(launch);
    await up(fixture, launch.name);
    const next = launchOf("echo next", { target: line });
    await fixture.executor.launch(next);
    assertEquals(await fixture.executor.type(next.name, { bytes }), false);
    assertEquals(await fixture.executor.type(launch.name, { bytes: bytes.subarray(0, 1000) }), true);
    assertEquals(await fixture.executor.type(launch.name, { bytes: new Uint8Array() }), true);
    assertEquals(await fixture.executor.type(launch.name, { bytes: bytes.subarray(1000) }), true);
    assertEquals((await fixture.end(launch.name)).code, 0);
    assertEquals(await Deno.readFile(`${dir}/got`), bytes);
    assertEquals(textOf((await fixture.end(next.name)).output), "next\n");
    assertEquals(await fixture.executor.type(launch.name, { bytes }), false);
    assertEquals(await fixture.executor.type("unknown", { bytes }), false);
  });

  test("type() writes a line that a question waits for", async ({ executor }) => {
    const fixture = await ExecutorFixture.open(executor);
    const launch = launchOf(`read -rp 'Name? ' name; echo "got <$name>"`, { target: pool });
    await fixture.executor.launch(launch);
    await up(fixture, launch.name);
    assertEquals(
      await fixture.executor.type(launch.name, { bytes: new TextEncoder().encode("$(id) '\"#{x} ünï\r") }),
      true,
    );
    assertEquals(textOf((await fixture.end(launch.name)).output), `Name? got <$(id) '"#{x} ünï>\n`);
  });

  test("screen() shows what a terminal shows, of the run that runs there", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const draw = "printf '\\033[2J\\033[3;5Hünï 漢字\\033[1;1Htop  \\033]2;my title\\007'";
    const launch = patient(dir, { target: line }, "exit 0");
    const drawing = { ...launch, payload: `${draw}; ${launch.payload}` };
    await fixture.executor.launch(drawing);
    await until("it has drawn", async () => (await fixture.executor.screen(drawing.name))?.title === "my title");
    await until("it is up", async () => (await fixture.executor.screen(drawing.name))?.cursor.row === 1);
    const screen = await fixture.executor.screen(drawing.name);
    assertEquals(screen?.lines, ["top  up", "", "    ünï 漢字"]);
    assertEquals([screen?.cursor, screen?.columns, screen?.rows], [{ column: 0, row: 1 }, 200, 50]);
    const next = launchOf("echo next", { target: line });
    await fixture.executor.launch(next);
    assertEquals(await fixture.executor.screen(next.name), null);
    await Deno.writeTextFile(`${dir}/go`, "");
    await fixture.end(drawing.name);
    assertEquals(await fixture.executor.screen(drawing.name), null);
    assertEquals(await fixture.executor.locate(drawing.name), null);
  });

  test("reading() finds the runs that wait for input, and no others", async ({ executor, dir }) => {
    const fixture = await ExecutorFixture.open(executor);
    const start = (payload: string) => launchOf(`echo up; cd '${dir}'; ${payload}`, { target: pool });
    const reading = READING.map(start);
    const others = NOT_READING.map(start);
    for (const launch of [...reading, ...others]) await fixture.executor.launch(launch);
    for (const launch of [...reading, ...others]) await up(fixture, launch.name);
    const all = [...reading, ...others].map(({ name: run }) => run);
    const payloads = (runs: ReadonlySet<string>) =>
      [...reading, ...others].filter(({ name: run }) => runs.has(run)).map(({ payload }) => payload);
    const want = reading.map(({ payload }) => payload);
    await until("all who read have begun", async () => (await fixture.executor.reading(all)).size >= want.length);
    for (let calls = 0; calls < 3; calls++) assertEquals(payloads(await fixture.executor.reading(all)), want);
    assertEquals(payloads(await fixture.executor.reading([reading[1].name, others[0].name])), [want[1]]);
    assertEquals(await fixture.executor.reading([]), new Set());
    await fixture.executor.type(reading[0].name, { bytes: new TextEncoder().encode("x\n") });
    assertEquals((await fixture.end(reading[0].name)).code, 0);
    assert(!(await fixture.executor.reading(all)).has(reading[0].name));
    for (const { name: run } of [...reading.slice(1), ...others]) await fixture.executor.stop(run, "cancelled", 0);
  });
}
