import { expect, test } from "vitest";
import { followUp } from "../../../../shared/service/core/follow-up.ts";

test("what follows from a commit is done", async () => {
  const lines: object[] = [];
  let isDone = false;
  await followUp({ log: (event, fields) => lines.push({ event, ...fields }) }, "svm-1", async () => {
    isDone = true;
  });
  expect(isDone).toBe(true);
  expect(lines).toEqual([]);
});

test("what cannot be done is logged with its study, and never thrown", async () => {
  const lines: object[] = [];
  const log = (event: string, fields: object) => void lines.push({ event, ...fields });
  await followUp({ log }, "svm-1", () => Promise.reject(new TypeError("no queue")));
  await followUp({ log }, "svm-2", () => Promise.reject("not an error"));
  expect(lines).toEqual([
    { event: "follow-up-failed", study: "svm-1", error: "TypeError", message: "no queue" },
    { event: "follow-up-failed", study: "svm-2", error: "unknown", message: "" },
  ]);
});
