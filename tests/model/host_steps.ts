import type { Step } from "./explore.ts";
import { type Data, type Faults, type Host, type Lane, type Rules, type State, withHost } from "./attempt_state.ts";

/** What a lane does. */
export function* laneSteps(state: State, at: number, rules: Rules): Generator<Step<State>> {
  const host = state.hosts[at];
  const { lane } = host;
  const step = (name: string, change: Partial<Lane>) => ({
    name: `lane ${at} ${name}`,
    to: withHost(state, at, { lane: { ...lane, ...change } }),
  });
  if (lane.at === "idle" && lane.pipe !== 0) yield step("begins a run", { at: "taken", epoch: lane.pipe, pipe: 0 });
  if (lane.at === "taken") {
    if (!host.full) yield step("writes the start", { at: "noted", journal: lane.journal === "?" ? "?" : "S" });
    else if (rules.startIsWritten) yield step("cannot write the start: declines", { at: "idle", report: "X" });
    else yield step("cannot write the start", { at: "noted" });
  }
  if (lane.at === "noted") {
    if (rules.epochIsChecked && host.epoch !== lane.epoch) {
      yield step("declines: a later process is there", {
        at: "idle",
        report: "X",
        journal: lane.journal === "S" ? "X" : lane.journal,
      });
    } else {
      const begun = step("begins the run", { at: "runs", program: true });
      yield { ...begun, to: { ...begun.to, executed: [...state.executed, lane.script] } };
    }
  }
  if (lane.at === "runs") yield step("sees the program end", { at: "over", program: false });
  if (lane.at === "over") {
    const written = !host.full || rules.endIsReserved;
    const journal = written && lane.journal === "S" ? "E" : lane.journal;
    yield step(written ? "writes the end" : "cannot write the end", { at: "idle", journal, report: "E" });
  }
  // what it left behind when it died ends some time
  if (lane.at === "dead" && lane.program) yield step("leaves a program that ends", { program: false });
}

/** What breaks on a host. */
export function* hostFaults(state: State, at: number): Generator<Step<State>> {
  const host = state.hosts[at];
  const { faults } = state;
  const spend = (kind: keyof Faults): State => ({ ...state, faults: { ...faults, [kind]: faults[kind] - 1 } });
  // a host whose runner is down while Redis forgets cannot bring back what it runs: that is a limit that is stated
  const mustBringBack = host.process !== null && host.process.at === "works" && host.process.era !== state.era;
  if (faults.kill > 0 && host.process && !mustBringBack) {
    yield { name: `runner ${at} is killed`, to: withHost(spend("kill"), at, { process: null }), fault: true };
  }
  if (faults.diskFull > 0 && !host.full) {
    yield { name: `disk ${at} is full`, to: withHost(spend("diskFull"), at, { full: true }), fault: true };
  }
  if (host.full) yield { name: `disk ${at} has room`, to: withHost(state, at, { full: false }) };
  if (faults.laneDies > 0 && host.lane.at !== "dead") {
    const dead: Lane = { ...host.lane, at: "dead", pipe: 0 };
    yield { name: `lane ${at} dies`, to: withHost(spend("laneDies"), at, { lane: dead }), fault: true };
  }
  if (faults.journalGone > 0 && host.lane.journal !== "?") {
    const blind: Lane = { ...host.lane, journal: "?" };
    yield { name: `journal ${at} is deleted`, to: withHost(spend("journalGone"), at, { lane: blind }), fault: true };
  }
  if (at !== 0 || state.hosts[1].exists) return;
  const lane: Lane = { ...host.lane, at: "dead", pipe: 0, report: "", program: false };
  const copy: Host = { ...host, exists: true, process: null, lane, lineage: [] };
  if (faults.copy > 0) yield { name: "the spool is copied", to: withHost(spend("copy"), 1, copy), fault: true };
}

/** What breaks in Redis. */
export function* redisFaults(state: State): Generator<Step<State>> {
  const { faults, redis, saved } = state;
  // the limit above, from the other side
  const down = state.hosts.some(({ process, record, settled }) =>
    record !== 0 && settled !== "gone" && process?.at !== "works"
  );
  if (faults.rollback > 0 && saved === null) {
    yield { name: "a copy of the data is made", to: { ...state, saved: redis }, fault: true };
  }
  if (faults.rollback > 0 && saved !== null && !down) {
    const to = {
      ...state,
      redis: saved,
      saved: null,
      era: state.era + 1,
      faults: { ...faults, rollback: faults.rollback - 1 },
    };
    yield { name: "Redis goes back to the copy", to, fault: true };
  }
  if (faults.flush > 0) {
    const empty: Data = { job: "none", token: 0, instance: -1, end: "", nodes: [0, 0], seal: 0, mixed: [false, false] };
    const to = { ...state, redis: empty, era: state.era + 1, faults: { ...faults, flush: faults.flush - 1 } };
    yield { name: "Redis loses everything", to, fault: true };
  }
}
