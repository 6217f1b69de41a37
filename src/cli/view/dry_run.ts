import type { Draft } from "../../client/read_submission.ts";
import { formatTime } from "../../client/read_time.ts";
import type { Context } from "../context.ts";
import { table } from "./table.ts";
import { toJson } from "./text.ts";

/** For each part of a submission, its key in a file of jobs and its option of `submit`. */
const NAMES = {
  payload: { key: "payload", option: null },
  runner: { key: "runner", option: "name" },
  executor: { key: "executor", option: "executor" },
  id: { key: "id", option: "id" },
  callerId: { key: "caller_id", option: "callerId" },
  contextId: { key: "context_id", option: "contextId" },
  timeout: { key: "timeout", option: "timeout" },
  env: { key: "env_vars", option: "env" },
  cwd: { key: "cwd", option: "cwd" },
  title: { key: "title", option: "title" },
  labels: { key: "labels", option: "label" },
  priority: { key: "priority", option: "priority" },
  notBeforeMs: { key: "at", option: "at" },
  after: { key: "after", option: "after" },
  afterEnd: { key: "after_end", option: "afterEnd" },
  limits: { key: "limits", option: "limit" },
  retries: { key: "retries", option: "retries" },
  backoff: { key: "backoff", option: "backoff" },
  keep: { key: "keep", option: "keep" },
} as const satisfies Record<keyof Draft["submission"], unknown>;

interface Line {
  readonly key: string;
  readonly value: unknown;
  readonly origin: string;
}

function linesOf({ submission, delay }: Draft, origins: Readonly<Record<string, string>>): Line[] {
  const lines: Line[] = [];
  for (const [part, { key, option }] of Object.entries(NAMES)) {
    const value = submission[part as keyof typeof submission];
    if (value === undefined) continue;
    const from = part === "env" && origins.env === "default" ? origins.envFile : option && origins[option];
    lines.push({ key, value: asJson(part, value), origin: from ?? "argument" });
  }
  if (delay !== undefined) lines.push({ key: "in", value: delay, origin: origins.in });
  return lines;
}

function asJson(part: string, value: unknown): unknown {
  if (part === "notBeforeMs") return formatTime(value as number);
  if (part === "backoff") {
    const { from, to } = value as { from: number; to: number };
    return `${from}..${to}`;
  }
  return value;
}

/** Returns a job as a line for `submit --from`. */
export function draftJson(draft: Draft): Record<string, unknown> {
  return Object.fromEntries(linesOf(draft, {}).map(({ key, value }) => [key, value]));
}

/** Formats one job for `submit --dry-run`: each value with its origin, and the destination. */
export function showDryRun(
  draft: Draft,
  context: Pick<Context, "settings" | "origins" | "terminal" | "compose" | "color">,
) {
  const { settings, origins, terminal, compose, color } = context;
  const redis = compose.maskUrl(settings.redisUrl);
  const lines = linesOf(draft, origins);
  if (settings.json) {
    const all = [...lines, { key: "redis_url", origin: origins.redisUrl }, {
      key: "namespace",
      origin: origins.namespace,
    }];
    return `${
      toJson({
        job: draftJson(draft),
        redis_url: redis,
        namespace: settings.namespace,
        origins: Object.fromEntries(all.map(({ key, origin }) => [key, origin])),
      })
    }\n`;
  }
  const shown: Line[] = [
    ...lines,
    { key: "redis_url", value: redis, origin: origins.redisUrl },
    { key: "namespace", value: settings.namespace, origin: origins.namespace },
  ];
  return table(shown, [
    { title: "FIELD", value: ({ key }) => key },
    { title: "VALUE", value: ({ value }) => typeof value === "string" ? value : toJson(value), flexible: true },
    { title: "FROM", value: ({ origin }) => origin },
  ], { room: terminal.columns(), color });
}
