import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../local/process.ts";

/** Runs a program that uses `live`; it prints "ready" when it is. */
const run = (
  main: string,
  environment: Record<string, string> = {},
): ChildProcess & { ended: Promise<[number | null, string]> } => {
  const program = `
    import { live, pause, untilAborted } from ${JSON.stringify(join(root, "local/lifetime.ts"))};
    import { LocalError } from ${JSON.stringify(join(root, "local/process.ts"))};
    await live(async ({ signal, atEnd }) => { ${main} });`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
    env: { PATH: process.env.PATH ?? "", ...environment },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      text += chunk;
    });
  }
  const ended = new Promise<[number | null, string]>((resolve) =>
    child.on("close", (code) => resolve([code, text])),
  );
  return Object.assign(child, { ended });
};

const ready = (child: ChildProcess) => new Promise((resolve) => child.stdout?.once("data", resolve));

const CLEAN = `atEnd(() => console.log("first made")); atEnd(() => console.log("last made"));`;

test("a program that ends cleans up in reverse order and exits with what it returns", async () => {
  const [code, text] = await run(`${CLEAN} return 3;`).ended;
  expect(code).toBe(3);
  expect(text).toBe("last made\nfirst made\n");
});

test("a user's error is shown without a stack trace, any other error with one", async () => {
  const [code, text] = await run(`${CLEAN} throw new LocalError("no emulator");`).ended;
  expect([code, text]).toEqual([1, "\nno emulator\nlast made\nfirst made\n"]);
  const [, unexpected] = await run(`throw new Error("oops");`).ended;
  expect(unexpected).toMatch(/Error: oops\n\s+at /);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)("%s ends whatever goes on, cleans up, and exits with %i", async (signal, expected) => {
  const child = run(`${CLEAN} console.log("ready"); await pause(60_000, signal); return 0;`);
  await ready(child);
  child.kill(signal);
  child.kill(signal); // as from the terminal and through npm
  const [code, text] = await child.ended;
  expect([code, text]).toEqual([expected, "ready\nlast made\nfirst made\n"]);
});

test("when one clean-up fails, the others still run and the exit code is 1", async () => {
  const [code, text] = await run(`${CLEAN} atEnd(() => { throw new LocalError("stuck"); }); return 0;`).ended;
  expect(code).toBe(1);
  expect(text).toContain("stuck\nlast made\nfirst made\n");
});

test("when npm is killed, the program stops too", async () => {
  const program = `${CLEAN} console.log("ready", process.pid); await untilAborted(signal); return 0;`;
  const script = `
    import { live, untilAborted } from ${JSON.stringify(join(root, "local/lifetime.ts"))};
    await live(async ({ signal, atEnd }) => { ${program} });`;
  // A shell in place of npm: it starts the program and waits.
  const shell = spawn("sh", ["-c", `"$NODE" --input-type=module-typescript -e "$SCRIPT"; exit $?`], {
    env: {
      PATH: process.env.PATH ?? "",
      NODE: process.execPath,
      SCRIPT: script,
      npm_lifecycle_event: "local",
    },
  });
  let text = "";
  const closed = new Promise((resolve) => shell.stdout.on("close", resolve));
  const started = new Promise<void>((resolve) =>
    shell.stdout.on("data", (chunk) => {
      text += chunk;
      if (text.includes("ready")) resolve();
    }),
  );
  await started;
  shell.kill("SIGKILL");
  await closed;
  expect(text).toMatch(/^ready \d+\nlast made\nfirst made\n$/);
});
