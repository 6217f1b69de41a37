import { Lane } from "../../src/executors/tmux/lanes/lane.ts";
import { Readiness } from "../../src/executors/tmux/lanes/readiness.ts";
import { systemClock } from "../../src/system/clock.ts";
import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";

Deno.test("Readiness informs tmux again that keys reach a run, when that failed at first", async () => {
  const said: string[] = [];
  const server = {
    run: (command: string[]) => {
      said.push(command.join(" "));
      return said.length === 1 ? Promise.reject(new Error("the connection ended")) : Promise.resolve([]);
    },
  };
  const lane = { inputDisabled: true, pane: "%1", runs: [{ firstAt: systemClock.now() }] } as unknown as Lane;
  const pool = { lanes: new Map([["1", lane]]) };
  const readiness = new Readiness({ clock: systemClock } as never, { server, pool } as never);
  readiness.begins(lane);
  await until("it is told again", () => said.length === 2 && lane.inputDisabled === false);
  assertEquals(said, Array(2).fill("select-pane -e -t %1"));
  readiness.close();
});

Deno.test("Readiness asks tmux for nothing when a run in a lane without keys is short", async () => {
  let asked = 0;
  const server = { run: () => Promise.resolve(asked++) };
  const lane = { inputDisabled: true, ready: true, free: true, pane: "%1", runs: [{ firstAt: systemClock.now() }] };
  const seen = Promise.withResolvers<void>();
  const lanes = { values: () => (seen.resolve(), [lane]) };
  const readiness = new Readiness({ clock: systemClock } as never, { server, pool: { lanes } } as never);
  readiness.begins(lane as unknown as Lane);
  lane.runs.pop();
  await seen.promise;
  assertEquals(asked, 0);
  readiness.close();
});

Deno.test("a lane is cleaned before a run when it is new, not ready, or left in disorder, and in a flood now and then", async () => {
  const lane = await Lane.open("1", "main", { files: { open: () => null }, spool: { laneLog: () => "" } } as never);
  assertEquals([0, 50, 120, 300, 350].map((now) => lane.mustClean(now)), [true, false, false, true, false]);
  lane.ready = true;
  assertEquals(
    [20_000, 20_050].map((now) => lane.mustClean(now)),
    [false, false],
    "the flood after a run that comes alone",
  );
  let now = 20_100;
  while (!lane.mustClean(now) && now < 30_000) now += 50;
  assertEquals(now, 25_000);
  lane.dirty = lane.ready = true;
  assertEquals([30_000, 30_010].map((now) => lane.mustClean(now)), [true, false]);
});
