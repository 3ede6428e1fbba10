import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runJob, serve, start } from "./driver.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** The page's code block that adds the runner to an image. */
const shown = /```dockerfile\n(COPY[^`]*)```/.exec(read("docs/runner.md"))?.[1] ?? "";

test.each(["python", "r"])("Dockerfile.%s adds to an image the two lines that the page shows", (language) => {
  expect(shown.trim().split("\n")).toHaveLength(2);
  expect(read(`examples/docker/Dockerfile.${language}`)).toContain(
    shown.replace("COPY hone", "COPY clients/runner/hone"),
  );
});

test("the entrypoint and command of Dockerfile.python run its program as a trial", async () => {
  const file = read("examples/docker/Dockerfile.python");
  const [entrypoint, command] = ["ENTRYPOINT", "CMD"].map((name) =>
    JSON.parse(new RegExp(`^${name} (.*)$`, "m").exec(file)?.[1] ?? ""),
  );
  expect(entrypoint).toEqual(["hone", "exec", "--"]);
  expect(command).toEqual(["python", "train.py"]);
  const service = await serve({}, { x: 1 });
  const { code } = await runJob(service, ["python3", join(root, "examples/docker/train.py")]);
  expect(code).toBe(0);
  expect(service.of("report").at(-1)?.body).toMatchObject({ step: 10 });
  expect(service.of("tell")[0]?.body.values).toEqual({ loss: 4 });
});

test("the options and defaults of the page are those of the program", async () => {
  const { stdout } = await start(["worker", "--help"], { COLUMNS: "200" }).ended;
  const help = stdout.toString();
  const rows = Array.from(read("docs/runner.md").matchAll(/^\| *`(--[\w-]+ [A-Z]+)` *\| *(\S+)? *\|/gm));
  expect(rows.map(([, option]) => option)).toEqual([
    "--grace SECONDS",
    "--patience SECONDS",
    "--report-every SECONDS",
    "--timeout SECONDS",
    "--study STUDY",
    "--jobs N",
    "--name NAME",
  ]);
  for (const [, option, value] of rows) {
    const line = help.split("\n").find((text) => text.trim().startsWith(`${option} `));
    expect(line).toBeDefined();
    if (value !== undefined) expect(line).toMatch(new RegExp(`\\(default:? ${value}\\)`));
  }
});
