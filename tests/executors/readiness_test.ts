import type { Lane } from "../../src/executors/tmux/lane.ts";
import { Readiness } from "../../src/executors/tmux/readiness.ts";
import { systemClock } from "../../src/system/clock.ts";
import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";

Deno.test("Readiness tells tmux again that keys reach a run, when it could not be told at once", async () => {
  const said: string[] = [];
  const server = {
    command: (line: string) => {
      said.push(line);
      return said.length === 1 ? Promise.reject(new Error("the connection ended")) : Promise.resolve([]);
    },
  };
  const lane = { deaf: true, pane: "%1", runs: [{}] } as unknown as Lane;
  const pool = { lanes: new Map([["1", lane]]) };
  const readiness = new Readiness({ clock: systemClock } as never, { server, pool } as never);
  readiness.hear(lane);
  await until("it is told again", () => said.length === 2 && !lane.deaf);
  assertEquals(said, Array(2).fill("select-pane -e -t %1"));
  readiness.close();
});
