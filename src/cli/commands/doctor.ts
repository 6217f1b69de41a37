import { UnavailableError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import type { Check } from "../../ports/finding.ts";
import { judgeHost, judgeRunners } from "../examine.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { RUN_ROWS } from "../../settings/options.ts";
import type { Trouble } from "../../ports/queue.ts";
import { redisAdvice } from "../report_error.ts";
import { printable, styled, toJson } from "../view/text.ts";

const DOCTOR_ROWS = { spool: RUN_ROWS.spool } as const satisfies OptionRows;

type DoctorContext = Context<typeof DOCTOR_ROWS>;

const STYLES = { ok: "green", warning: "yellow", error: "red" } as const;

async function examineRedis(context: DoctorContext): Promise<Check[]> {
  const { compose, settings } = context;
  const { redisUrl, namespace, redisTimeout, name } = settings;
  const place = compose.maskUrl(redisUrl);
  try {
    const store = await context.store();
    const findings = await compose.checkRedis({ redisUrl, namespace, redisTimeoutSeconds: redisTimeout });
    const reachable: Check = { severity: "ok", subject: "redis", says: `answers at ${place}` };
    return [reachable, ...findings, judgeRunners(name, await store.instances())];
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    const remedy = redisAdvice(error) ?? "runner config shows the address and the user";
    const says = (error as Partial<Trouble>).says ?? error.message;
    return [{ severity: "error", subject: "redis", says, remedy }];
  }
}

/** Returns the configuration file, when the password of Redis comes from it. */
function secretFileOf({ compose, settings, origins }: DoctorContext): string | undefined {
  const origin = origins.redisUrl ?? "";
  if (!origin.startsWith("file ") || compose.maskUrl(settings.redisUrl) === settings.redisUrl) return undefined;
  return origin.slice("file ".length);
}

function shown({ severity, subject, says, ...rest }: Check, color: boolean): string {
  const head = `${styled(severity.padEnd(7), STYLES[severity], color)}  ${subject.padEnd(11)}  ${printable(says)}\n`;
  return "remedy" in rest ? `${head}${" ".repeat(22)}-> ${printable(rest.remedy)}\n` : head;
}

/** `runner doctor`. */
export const doctor: Command<typeof DOCTOR_ROWS> = {
  name: "doctor",
  summary: "Check Redis and this host, and suggest a remedy for each problem",
  usage: ["[OPTIONS]"],
  description: [
    "Checks Redis (reachable, version, role, persistence, eviction, cluster, clock, rights of its user default), and " +
    "how its password is transmitted and stored. Checks tmux and the programs that a runner calls, the spool folder " +
    "and the free space on its disk, and the permissions of the program. Checks whether a runner of --name is alive. " +
    "Nothing is changed. The exit code is 1 when there is an error, and 0 when there are only warnings.",
  ],
  examples: [
    { command: "runner doctor", does: "check everything" },
    { command: "runner doctor --redis-url redis.example --json", does: "check with another Redis, as JSON" },
  ],
  rows: DOCTOR_ROWS,
  needs: [{
    net: true,
    env: ["PATH", "XDG_STATE_HOME"],
    read: "spool, or the folder for it",
    write: "spool, or the folder for it",
    run: ["tmux"],
    sys: ["uid"],
  }],
  positionals: { min: 0, max: 0, what: "no arguments" },
  async run(context) {
    const { terminal, compose, settings, color } = context;
    const host = await compose.inspectHost(settings.spool, secretFileOf(context));
    const checks = [...await examineRedis(context), ...judgeHost(host)];
    const ok = checks.every(({ severity }) => severity !== "error");
    if (settings.json) await terminal.write(`${toJson({ ok, checks })}\n`);
    else await terminal.write(checks.map((check) => shown(check, color)).join(""));
    return ok ? EXIT.ok : EXIT.failed;
  },
};
