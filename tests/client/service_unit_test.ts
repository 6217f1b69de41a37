import { launchdList, type ServicePlan, systemdUnit } from "../../src/client/service_unit.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { assertEquals, assertStringIncludes, assertThrows } from "../support/assert.ts";

const PLAN: ServicePlan = { name: "build", scope: "system", command: ["/bin/runner", "run"], path: "/bin" };
const USER: ServicePlan = { ...PLAN, scope: "user" };

/** The lines of a unit that set something, by name. */
function settings(content: string, name: string): string[] {
  return content.split("\n").filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
}

Deno.test("systemdUnit and launchdList accept plain names only, of the runner and of its user", () => {
  const characters = 'its name may hold only letters, digits, "_", "." and "-"';
  for (const make of [systemdUnit, launchdList]) {
    for (const name of ["7", "A_b.c-d"]) make({ ...PLAN, name, user: name }, "/c");
    for (const name of ["", ".a", "-a", "_a", "a b", "a/b", "a%n", "a\n", "ä"]) {
      const quoted = JSON.stringify(name);
      const { message } = assertThrows(() => make({ ...PLAN, name }, "/c"), InvalidInputError);
      assertEquals(message, `Cannot make a service of runner ${quoted}: ${characters}`);
      const user = assertThrows(() => make({ ...PLAN, user: name }, "/c"), InvalidInputError);
      assertEquals(user.message, `Cannot use user ${quoted}: this is no name of a user`);
    }
  }
});

Deno.test("systemdUnit and launchdList refuse control characters wherever they would begin a line of their own", () => {
  for (const make of [systemdUnit, launchdList]) {
    for (const odd of ["a\nUser=root", "\0", "\x1f", "\x7f", "a\tb"]) {
      const rows: [Partial<ServicePlan>, string][] = [
        [{ command: ["/bin/runner", odd] }, JSON.stringify(odd)],
        [{ path: odd }, "PATH"],
        [{ config: odd }, "RUNNER_CONFIG"],
      ];
      for (const [more, what] of rows) {
        const { message } = assertThrows(() => make({ ...PLAN, ...more }, "/c"), InvalidInputError);
        assertEquals(message, `Cannot write ${what} into a service: it holds control characters`);
      }
    }
    make({ ...PLAN, command: ["/bin/runner", "\x80ä \u2028"] }, "/c");
  }
});

Deno.test("systemdUnit puts everything where systemd has it, for the host and for one user", () => {
  const unit = "runner-build.service";
  const { content: _, ...system } = systemdUnit(PLAN, "/unused");
  assertEquals(system, {
    path: `/etc/systemd/system/${unit}`,
    start: ["systemctl daemon-reload", `systemctl enable ${unit}`, `systemctl restart ${unit}`],
    links: [`/etc/systemd/system/multi-user.target.wants/${unit}`],
    stop: [`systemctl stop ${unit}`, "systemctl daemon-reload"],
    show: `systemctl status ${unit}`,
    secrets: "/etc/runner/build.env",
  });
  const { content: __, ...user } = systemdUnit(USER, "/home/x/.config");
  assertEquals(user, {
    path: `/home/x/.config/systemd/user/${unit}`,
    start: [
      ...["daemon-reload", `enable ${unit}`, `restart ${unit}`].map((what) => `systemctl --user ${what}`),
      "loginctl enable-linger",
    ],
    links: [`/home/x/.config/systemd/user/default.target.wants/${unit}`],
    stop: [`systemctl --user stop ${unit}`, "systemctl --user daemon-reload"],
    show: `systemctl --user status ${unit}`,
    secrets: "/home/x/.config/runner/build.env",
  });
});

Deno.test("systemdUnit gives a runner of the host a spool of its own, and one of a user none", () => {
  const system = systemdUnit({ ...PLAN, user: "builder", config: '/a "b" $c%d\\' }, "").content;
  assertEquals(settings(system, "StateDirectory"), ["runner/build"]);
  assertEquals(settings(system, "User"), ["builder"]);
  assertEquals(settings(system, "Environment"), [
    '"PATH=/bin"',
    String.raw`"RUNNER_CONFIG=/a \"b\" $c%%d\\"`,
    "RUNNER_SPOOL=%S/runner/build",
  ]);
  const user = systemdUnit(USER, "/home/100%/.config").content;
  assertEquals(["StateDirectory", "User", "UMask"].flatMap((name) => settings(user, name)), []);
  assertEquals(settings(user, "Environment"), ['"PATH=/bin"']);
  // it need not be there
  assertEquals(settings(user, "EnvironmentFile"), ["-/home/100%%/.config/runner/build.env"]);
});

Deno.test("systemdUnit quotes exactly the words of a command that need it", () => {
  const rows = [
    ["--a=b,c:d+e@f./-", "--a=b,c:d+e@f./-"],
    ["100%", "100%%"],
    ["$HOME", "$$HOME"],
    [";", '";"'],
    ["", '""'],
    ["a b", '"a b"'],
    ["ä", '"ä"'],
    ["it's", `"it's"`],
    ["\\", String.raw`"\\"`],
    ['"', String.raw`"\""`],
  ];
  for (const [word, want] of rows) {
    const { content } = systemdUnit({ ...PLAN, command: ["/bin/runner", word] }, "");
    assertEquals(settings(content, "ExecStart"), [`/bin/runner ${want}`]);
  }
});

Deno.test("launchdList puts everything where launchd has it, and escapes paths for XML and for a shell", () => {
  const label = "hero.runner.build";
  const { content: _, ...system } = launchdList(PLAN, "/unused");
  assertEquals(system, {
    path: `/Library/LaunchDaemons/${label}.plist`,
    start: [`launchctl bootstrap system /Library/LaunchDaemons/${label}.plist`],
    links: [],
    stop: [`launchctl bootout system/${label}`],
    show: `launchctl print system/${label}`,
    secrets: "/var/root/.config/runner/config.json",
  });
  const home = "/Users/a & <b>";
  const user = launchdList({ ...USER, command: ["/p", "<&>"], config: "/c&d", user: "x" }, home);
  assertEquals(user.start, [`launchctl bootstrap gui/$(id -u) '${home}/Library/LaunchAgents/${label}.plist'`]);
  assertEquals(user.secrets, `${home}/.config/runner/config.json`);
  const logs = "/Users/a &amp; &lt;b&gt;/Library/Logs/hero.runner.build.log";
  for (const text of [logs, "&lt;&amp;&gt;", "/c&amp;d", "x", label]) {
    assertStringIncludes(user.content, `<string>${text}</string>`);
  }
});
