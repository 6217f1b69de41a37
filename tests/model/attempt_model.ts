/**
 * A model of one job between one Redis, two hosts with a runner and a terminal each, and everything that may break. It
 * says in a few hundred lines what Lua scripts, runner and lane do in many more, so that every interleaving of it can
 * be walked.
 *
 * Each rule that protects the job can be switched off; the tests show that the model then finds what that rule is for.
 *
 * @module
 */
import type { Model, Step } from "./explore.ts";
import {
  type Data,
  type Faults,
  HOST,
  type Host,
  LANE,
  type Lane,
  MOST,
  NO_FAULTS,
  type Process,
  RULES,
  type Rules,
  type State,
  withHost,
} from "./attempt_state.ts";
import { hostFaults, laneSteps, redisFaults } from "./host_steps.ts";

/**
 * The model under some rules, with at most so many faults. The second host has a spool of its own unless `copy` makes
 * it one.
 */
export function attemptModel(faults: Faults, rules: Partial<Rules> = {}): Model<State> {
  const all = { ...RULES, ...rules };
  const second = faults.copy ? { ...HOST, exists: false } : { ...HOST, instance: 1 };
  return {
    start: {
      redis: { job: "queued", token: 0, instance: -1, end: "", nodes: [0, 0], seal: 1, mixed: [false, false] },
      era: 1,
      saved: null,
      hosts: [HOST, second],
      nonces: 0,
      tokens: 0,
      executed: [],
      verdict: "",
      faults: { ...NO_FAULTS, ...faults },
    },
    *steps(state) {
      for (const at of state.hosts.keys()) {
        if (!state.hosts[at].exists) continue;
        yield* laneSteps(state, at, all);
        yield* processSteps(state, at, all);
        yield* hostFaults(state, at);
      }
      yield* redisFaults(state);
    },
    wrong: (state) => wrong(state, Boolean(faults.copy && faults.kill)),
    // a story that is longer than the model counts is no finding
    isOver: ({ redis, hosts, tokens, nonces }) =>
      redis.job === "final" || tokens === MOST || nonces === MOST ||
      redis.job === "none" && hosts.every(({ record, settled }) => !record || settled !== ""),
  };
}

/** `mayBeLost`: a copy may call lost what its original runs. */
function wrong({ executed, redis, hosts, verdict }: State, mayBeLost: boolean): string | null {
  if (executed.length > new Set(executed).size) return "an attempt is executed twice";
  if (executed.length > 1) return "the job is executed in two attempts";
  if (redis.job === "final" && redis.end !== verdict) return "an end changes";
  if (!mayBeLost && redis.job === "final" && redis.end === "lost" && hosts.some(({ lane }) => lane.program)) {
    return "a job is called lost while it runs";
  }
  return null;
}

function* processSteps(state: State, at: number, rules: Rules): Generator<Step<State>> {
  const host = state.hosts[at];
  const { process } = host;
  if (process === null) {
    const nonce = state.nonces + 1;
    const started: Process = { nonce, at: "registers", era: 0, mixed: false, held: false, token: 0, run: "none" };
    // on record before it registers
    const to = withHost({ ...state, nonces: nonce }, at, { process: started, lineage: [...host.lineage, nonce] });
    if (nonce <= MOST) yield { name: `runner ${at} starts as ${nonce}`, to };
    return;
  }
  if (process.at === "registers") yield* registering(state, at, process, rules);
  else if (process.at === "numbers") {
    const next: Process = { ...process, at: "reads" };
    yield { name: `runner ${at} ends older numbers`, to: withHost(state, at, { epoch: process.nonce, process: next }) };
  } else if (process.at === "reads") yield* reading(state, at, process, rules);
  else if (process.at === "asks") yield claimingBack(state, at, process);
  else yield* working(state, at, process, rules);
}

function* registering(state: State, at: number, process: Process, rules: Rules): Generator<Step<State>> {
  const host = state.hosts[at];
  const { instance } = host;
  const owner = state.redis.nodes[instance];
  const lives = state.hosts.some((other) => other.process?.nonce === owner && other.process.at !== "registers");
  const proven = rules.takeoverNeedsProof ? host.lineage.includes(owner) : true;
  if (owner !== 0 && lives && !proven) {
    yield {
      name: `runner ${at} is refused`,
      to: withHost(state, at, { process: null, lineage: host.lineage.slice(0, -1) }),
    };
    return;
  }
  const nodes = state.redis.nodes.map((nonce, i) => i === instance ? process.nonce : nonce);
  const held = rules.dataIsSealed && state.redis.seal !== state.era;
  const known = owner === 0 || owner === process.nonce || host.lineage.includes(owner);
  const isMixed = rules.mixedLaunchesNothing && (state.redis.mixed[instance] || !known);
  const mixed = state.redis.mixed.map((was, i) => i === instance ? isMixed : was);
  const next: Process = { ...process, at: "numbers", era: state.era, held, mixed: isMixed };
  const to = withHost({ ...state, redis: { ...state.redis, nodes, mixed } }, at, { process: next });
  yield { name: `runner ${at} registers`, to };
}

/** What the spool says of the attempt that an earlier process began. */
function* reading(state: State, at: number, process: Process, rules: Rules): Generator<Step<State>> {
  const host = state.hosts[at];
  const { record } = host;
  const go = (name: string, run: Process["run"], change: Partial<Host> = {}) => ({
    name: `runner ${at} ${name}`,
    to: withHost(state, at, {
      process: { ...process, at: "asks", token: run === "none" ? 0 : record, run },
      ...change,
    }),
  });
  if (record === 0 || host.settled !== "") return yield go("finds nothing open", "none");
  yield judged(state, at, process, rules, go) ?? go("finds a run that goes on", "sent");
}

type Go = (name: string, run: Process["run"], change?: Partial<Host>) => Step<State>;

/** What became of the attempt on record, by lane, journal and processes; `null` as long as it goes on. */
function judged(state: State, at: number, process: Process, rules: Rules, go: Go): Step<State> | null {
  const { lane, record } = state.hosts[at];
  const mine = lane.script === record;
  if (mine && lane.journal === "E") return go("reads the end", "ended");
  const begun = mine && lane.journal === "S";
  const unknown = mine && lane.journal === "?";
  if (lane.at === "dead") {
    if (rules.processesAreAsked && lane.program) return null;
    if (begun || unknown && rules.processesAreAsked) return go("finds the terminal of the run gone", "lost");
    return notBegun(process, go);
  }
  if (begun) return null;
  if (unknown && rules.processesAreAsked) {
    // its lane replies when it has nothing to do: then there is no record of how the run ended, or whether it ran
    return lane.at === "idle" && lane.pipe === 0 && lane.report === "" ? go("finds an idle lane", "lost") : null;
  }
  return notBegun(process, go);
}

/** A run that no lane has begun: another folder may have run it. */
function notBegun({ mixed }: Process, go: Go): Step<State> {
  return mixed ? go("finds the run, and that a copy was here", "lost") : go("finds the run not begun", "recorded");
}

/** Makes Redis agree about the attempt on record. */
function claimingBack(state: State, at: number, process: Process): Step<State> {
  const { host, redis } = { host: state.hosts[at], redis: state.redis };
  const { token } = process;
  const next: Process = { ...process, at: "works" };
  const name = `runner ${at} makes Redis agree`;
  if (token === 0) {
    // an end that Redis had acknowledged and may have forgotten
    const end = host.settled === "gone" ? "" : host.settled;
    const again: Data = { ...redis, job: "final", token: host.record, instance: host.instance, end };
    const to = end === "" || redis.token > host.record || redis.job === "final" ? state : { ...state, redis: again };
    return { name, to: withHost(to, at, { process: next }) };
  }
  if (redis.token > token || redis.job === "final" && redis.token === token) {
    return { name, to: abandon(state, at, next) };
  }
  const own: Data = { ...redis, job: "started", token, instance: host.instance, end: "" };
  return { name, to: withHost({ ...state, redis: own }, at, { process: next }) };
}

/** Stops a run that is not ours, and forgets it. */
function abandon(state: State, at: number, process: Process): State {
  const { lane } = state.hosts[at];
  const quiet: Lane = { ...lane, at: lane.at === "dead" ? "dead" : "idle", pipe: 0, program: false, report: "" };
  const { record, settled } = state.hosts[at];
  const change = record === process.token ? { settled: "gone", lane: quiet } as const : { settled };
  return withHost(state, at, { process: { ...process, token: 0, run: "none" }, ...change });
}

function* working(state: State, at: number, process: Process, rules: Rules): Generator<Step<State>> {
  yield* heartbeat(state, at, process, rules);
  yield* starting(state, at, process, rules);
  yield* launching(state, at, process, rules);
  yield* listening(state, at, process, rules);
  yield* finishing(state, at, process);
}

function* heartbeat(state: State, at: number, process: Process, rules: Rules): Generator<Step<State>> {
  const host = state.hosts[at];
  const owner = state.redis.nodes[host.instance];
  if (owner !== 0 && owner !== process.nonce && !(rules.dataIsIdentified && process.era !== state.era)) {
    yield { name: `runner ${at} was taken over: ends`, to: withHost(state, at, { process: null }) };
    return;
  }
  const lost = owner === 0 || rules.dataIsIdentified && process.era !== state.era;
  if (lost) {
    const nodes = state.redis.nodes.map((nonce, i) => i === host.instance ? process.nonce : nonce);
    const known: Process = { ...process, era: state.era, held: true };
    const next = claimingBack(
      withHost({ ...state, redis: { ...state.redis, nodes } }, at, { process: known }),
      at,
      known,
    );
    yield { name: `runner ${at} notices the loss, brings back`, to: next.to };
  }
  if (!process.held || process.era !== state.era) return;
  // a host that is down cannot bring back: it is not waited for longer than a lease
  const waits = state.hosts.some((other, i) =>
    i !== at && other.process?.at === "works" && other.process.era !== state.era
  );
  if (waits) return;
  const whole = { ...state, redis: { ...state.redis, seal: state.era } };
  yield { name: `runner ${at} claims again`, to: withHost(whole, at, { process: { ...process, held: false } }) };
}

function* starting(state: State, at: number, process: Process, rules: Rules): Generator<Step<State>> {
  const { redis } = state;
  const host = state.hosts[at];
  // a process that waits for a job is notified when Redis changes its role; what is older than its last heartbeat, it
  // sees itself
  const mayAsk = redis.nodes[host.instance] === process.nonce &&
    !(rules.dataIsIdentified && process.era !== state.era) &&
    !(process.held && rules.lossIsWaitedOut);
  if (process.run !== "none" || !mayAsk) return;
  if (redis.job === "started" && redis.instance === host.instance) {
    if (redis.token !== host.record && process.mixed) {
      const to = {
        ...state,
        redis: { ...redis, job: "final", end: "lost" } as const,
        verdict: state.verdict || "lost" as const,
      };
      yield { name: `runner ${at} ends what a copy may have run`, to };
    } else if (redis.token !== host.record) {
      const held: Process = { ...process, token: redis.token, run: "started" };
      yield { name: `runner ${at} takes up what it started`, to: withHost(state, at, { process: held }) };
    } else if (host.settled !== "") {
      const end = host.settled === "gone" ? "lost" : host.settled;
      const to = { ...state, redis: { ...redis, job: "final", end } as const, verdict: state.verdict || end };
      yield { name: `runner ${at} ends what its record says has ended`, to };
    }
  }
  if (process.mixed && !(redis.job === "started" && redis.instance === host.instance)) {
    const mixed = redis.mixed.map((was, i) => i === host.instance ? false : was);
    const clear = withHost({ ...state, redis: { ...redis, mixed } }, at, { process: { ...process, mixed: false } });
    yield { name: `runner ${at} has taken everything up`, to: clear };
    return;
  }
  if (redis.job !== "queued") return;
  const token = state.tokens + 1;
  if (token > MOST) return;
  const own: Data = { ...redis, job: "started", token, instance: host.instance };
  const started = withHost({ ...state, redis: own, tokens: token }, at, {
    process: { ...process, token, run: "started" },
  });
  yield { name: `runner ${at} starts attempt ${token}`, to: started };
}

function* launching(state: State, at: number, process: Process, rules: Rules): Generator<Step<State>> {
  const host = state.hosts[at];
  const { lane } = host;
  if (process.run === "started") {
    if (host.full) yield { name: `runner ${at} cannot write the record`, to: giveBack(state, at, process) };
    else {
      const to = withHost(state, at, { process: { ...process, run: "recorded" }, record: process.token, settled: "" });
      yield { name: `runner ${at} writes the record`, to };
    }
  }
  if (process.run !== "recorded") return;
  if (lane.at === "dead") {
    if (rules.processesAreAsked && lane.program) return;
    yield { name: `runner ${at} makes a terminal`, to: withHost(state, at, { lane: LANE }) };
  } else if (lane.at === "idle" && lane.pipe === 0) {
    const sent: Lane = {
      ...lane,
      script: process.token,
      pipe: process.nonce,
      journal: lane.journal === "?" ? "?" : "",
      report: "",
    };
    yield {
      name: `runner ${at} sends the run`,
      to: withHost(state, at, { lane: sent, process: { ...process, run: "sent" } }),
    };
  }
}

/** The job goes back to the queue: it has not been launched, and will not be. */
function giveBack(state: State, at: number, process: Process): State {
  const { redis } = state;
  const { token } = process;
  const own = redis.token === token && redis.job === "started";
  const back: Data = own ? { ...redis, job: "queued", instance: -1 } : redis;
  const settled = state.hosts[at].record === token ? "gone" : state.hosts[at].settled;
  return withHost({ ...state, redis: back }, at, { process: { ...process, token: 0, run: "none" }, settled });
}

/** What comes through the pipe, and what a check of a lane that died finds. */
function* listening(state: State, at: number, process: Process, rules: Rules): Generator<Step<State>> {
  const host = state.hosts[at];
  const { lane } = host;
  const heard = (name: string, run: Process["run"]) => ({
    name: `runner ${at} ${name}`,
    to: withHost(state, at, { process: { ...process, run }, lane: { ...lane, report: "" } }),
  });
  if (process.run !== "sent") return;
  if (lane.report === "E") {
    const early = lane.epoch !== process.nonce;
    if (!early || rules.reportsAreKept || lane.journal === "E") yield heard("hears the end", "ended");
    else yield heard("drops a report of an earlier process", "sent");
    return;
  }
  if (lane.report === "X") {
    if (lane.epoch !== process.nonce) yield heard("hears that an older order was declined", "recorded");
    else yield { name: `runner ${at} hears of a full disk`, to: giveBack(heard("", "sent").to, at, process) };
    return;
  }
  if (lane.at !== "dead") return;
  const go: Go = (name, run) => ({
    name: `runner ${at} ${name}`,
    to: withHost(state, at, { process: { ...process, run } }),
  });
  const found = judged(state, at, process, rules, go);
  if (found) yield found;
}

function* finishing(state: State, at: number, process: Process): Generator<Step<State>> {
  const { redis } = state;
  const host = state.hosts[at];
  if (process.run !== "ended" && process.run !== "lost") return;
  // a process that was killed here writes it again: the same token, the same end
  const end = process.run === "ended" ? "real" : "lost";
  const done: Process = { ...process, token: 0, run: "none" };
  const settled = withHost(state, at, { process: done, settled: end });
  if (redis.token === host.record && redis.job === "started") {
    const final: Data = { ...redis, job: "final", end };
    yield { name: `runner ${at} writes the end`, to: { ...settled, redis: final, verdict: state.verdict || end } };
  } else if (redis.token === host.record && redis.job === "final") {
    yield { name: `runner ${at} had written the end`, to: settled };
  } else if (redis.token > host.record) {
    yield { name: `runner ${at} is fenced`, to: withHost(settled, at, { settled: "gone" }) };
  } else {
    const final: Data = { ...redis, job: "final", token: host.record, instance: host.instance, end };
    yield { name: `runner ${at} restores and ends`, to: { ...settled, redis: final, verdict: state.verdict || end } };
  }
}
