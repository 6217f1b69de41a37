/**
 * Files with which a supervisor keeps a runner alive: units of systemd, property lists of launchd.
 *
 * All of them must stop and restart only the runner process. Its tmux server and the jobs in it are in the same control
 * group or process group, and must keep running.
 *
 * @module
 */
import { EXIT } from "../domain/exit_codes.ts";
import { InvalidInputError } from "../domain/errors.ts";
import { quoteWord } from "../domain/shell_words.ts";

/** Description of a service. */
export interface ServicePlan {
  /** Name of the runner. */
  readonly name: string;
  /** Whether it is a service of the whole host or of one user. */
  readonly scope: "system" | "user";
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Value of `PATH`, for finding tmux and for the jobs. */
  readonly path: string;
  /** User that it runs as, for `system`. */
  readonly user?: string;
  /** Path of the configuration file, when the runner would not find it by itself. */
  readonly config?: string;
}

/** A file of a service, and the commands that a person runs for it. */
export interface ServiceFile {
  readonly path: string;
  readonly content: string;
  /** Commands that enable and start the service. */
  readonly start: readonly string[];
  /** Links that the supervisor creates when the service is enabled; remove them together with the file. */
  readonly links: readonly string[];
  /** Commands that stop the service, after the file was removed. */
  readonly stop: readonly string[];
  /** Command that shows the supervisor's status of the service. */
  readonly show: string;
  /** Path of the file for a `REDIS_URL` with a password; the service file itself is readable for every user. */
  readonly secrets: string;
}

/** Seconds between the end of the runner and its restart. */
const PAUSE = 2;

/** Names that need no escaping as a file name, as a unit's name and as a label. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

function refuse(text: string, what: string): void {
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    throw new InvalidInputError(`Cannot write ${what} into a service: it holds control characters`);
  }
}

function check(plan: ServicePlan): void {
  if (!PLAIN.test(plan.name)) {
    throw new InvalidInputError(
      `Cannot make a service of runner ${
        JSON.stringify(plan.name)
      }: its name may hold only letters, digits, "_", "." and "-"`,
    );
  }
  for (const text of plan.command) refuse(text, JSON.stringify(text));
  refuse(plan.path, "PATH");
  refuse(plan.config ?? "", "RUNNER_CONFIG");
  if (plan.user !== undefined && !PLAIN.test(plan.user)) {
    throw new InvalidInputError(`Cannot use user ${JSON.stringify(plan.user)}: this is no name of a user`);
  }
}

/** Quotes a word of a systemd command line; systemd.service(5), "Command lines". */
function unitWord(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w%+,./:=@$-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

/** Quotes a value of `Environment=`, where `$` has no special meaning. */
function unitSetting(name: string, value: string): string {
  return `"${name}=${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%")}"`;
}

/** Returns lines that put the spool where temporary files are not cleaned up; `--spool` overrides them. */
function stateLines(name: string): string {
  return `StateDirectory=runner/${name}
StateDirectoryMode=0700
Environment=RUNNER_SPOOL=%S/runner/${name}
`;
}

/**
 * Returns a systemd unit.
 *
 * @param config Configuration folder of the user, for `user`.
 * @throws {InvalidInputError} A unit cannot hold a name or an argument.
 */
export function systemdUnit(plan: ServicePlan, config: string): ServiceFile {
  check(plan);
  const isSystem = plan.scope === "system";
  const unit = `runner-${plan.name}.service`;
  const control = isSystem ? "systemctl" : "systemctl --user";
  const folder = isSystem ? "/etc/systemd/system" : `${config}/systemd/user`;
  const target = isSystem ? "multi-user.target" : "default.target";
  const variables = isSystem ? `/etc/runner/${plan.name}.env` : `${config}/runner/${plan.name}.env`;
  const content = `# Written by: runner service install
[Unit]
Description=Hero Runner ${plan.name}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
${plan.user === undefined ? "" : `User=${plan.user}\n`}ExecStart=${plan.command.map(unitWord).join(" ")}
Environment=${unitSetting("PATH", plan.path)}
${plan.config === undefined ? "" : `Environment=${unitSetting("RUNNER_CONFIG", plan.config)}\n`}${
    isSystem ? stateLines(plan.name) : ""
  }# REDIS_URL with its password belongs into this file, mode 0600, and not into the unit
EnvironmentFile=-${variables.replaceAll("%", "%%")}
Restart=always
RestartSec=${PAUSE}
# wrong usage, and a Redis that refuses us: starting again does not help
RestartPreventExitStatus=${EXIT.usage} ${EXIT.refused}
# only the runner is stopped: tmux and the jobs go on, and the next start takes them over
KillMode=process
# a job that runs out of memory is no reason to stop the runner
OOMPolicy=continue
# the jobs count as the unit's own
TasksMax=infinity
LimitNOFILE=65536
# the memory of a runner holds passwords; a job that wants a core file raises its own limit
LimitCORE=0:infinity
${isSystem ? "# of the jobs; what the runner writes is for its user alone whatever this is\nUMask=0022\n" : ""}
[Install]
WantedBy=${target}
`;
  return {
    path: `${folder}/${unit}`,
    content,
    start: [
      `${control} daemon-reload`,
      `${control} enable ${unit}`,
      `${control} restart ${unit}`,
      // without lingering the user's services end with the last session
      ...(isSystem ? [] : ["loginctl enable-linger"]),
    ],
    links: [`${folder}/${target}.wants/${unit}`],
    stop: [`${control} stop ${unit}`, `${control} daemon-reload`],
    show: `${control} status ${unit}`,
    secrets: variables,
  };
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/**
 * Returns a launchd property list.
 *
 * @param home Home folder of the user, for `user`.
 * @throws {InvalidInputError} A property list cannot hold a name or an argument.
 */
export function launchdList(plan: ServicePlan, home: string): ServiceFile {
  check(plan);
  const isSystem = plan.scope === "system";
  const label = `hero.runner.${plan.name}`;
  const folder = isSystem ? "/Library/LaunchDaemons" : `${home}/Library/LaunchAgents`;
  const path = `${folder}/${label}.plist`;
  const log = isSystem ? `/Library/Logs/${label}.log` : `${home}/Library/Logs/${label}.log`;
  const domain = isSystem ? "system" : "gui/$(id -u)";
  const content = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by: runner service install -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${label}</string>
${
    plan.user === undefined
      ? ""
      : `  <key>UserName</key>\n  <string>${plan.user}</string>\n`
  }  <key>ProgramArguments</key>
  <array>
${plan.command.map((word) => `    <string>${xml(word)}</string>\n`).join("")}  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key>
    <string>${xml(plan.path)}</string>
${plan.config === undefined ? "" : `    <key>RUNNER_CONFIG</key>\n    <string>${xml(plan.config)}</string>\n`}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <!-- only the runner is stopped: tmux and the jobs go on, and the next start takes them over -->
  <key>AbandonProcessGroup</key>
  <true/>
  <!-- the memory of a runner holds passwords -->
  <key>SoftResourceLimits</key>
  <dict>
    <key>Core</key>
    <integer>0</integer>
  </dict>
  <key>StandardErrorPath</key>
  <string>${xml(log)}</string>
</dict>
</plist>
`;
  return {
    path,
    content,
    start: [`launchctl bootstrap ${domain} ${quoteWord(path)}`],
    links: [],
    stop: [`launchctl bootout ${domain}/${label}`],
    show: `launchctl print ${domain}/${label}`,
    secrets: `${isSystem ? "/var/root" : home}/.config/runner/config.json`,
  };
}
