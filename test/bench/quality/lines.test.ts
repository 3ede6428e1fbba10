import { expect, test } from "vitest";
import { startLines } from "../../../bench/quality/lines.ts";

const start = (script: string, patience = 30) => startLines(process.execPath, ["-e", script], patience);
const echo = `process.stdin.on("data", (line) => process.stdout.write(line))`;

test("a process answers each line with a line", async () => {
  const lines = start(echo);
  expect(await lines.request({ a: 1 })).toEqual({ a: 1 });
  expect(await lines.request({ a: 2 })).toEqual({ a: 2 });
  lines.close();
});

test("when a process dies, the error quotes its output", async () => {
  const lines = start(`process.stdin.on("data", () => { throw new Error("no model") })`);
  await expect(lines.request({})).rejects.toThrow(/ended with 1:.*no model/s);
});

test("a process that prints nothing for too long is stopped", async () => {
  const lines = start(`process.stdin.on("data", () => {})`, 0.1);
  await expect(lines.request({})).rejects.toThrow("gave no answer");
  lines.close();
});
