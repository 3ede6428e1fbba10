import { expect, test } from "vitest";
import { loadStudy, loadStudyById, studyOf } from "../../../../shared/service/core/load.ts";
import { batchExecution, halvingScheduler } from "../../../support/batch.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { commandsOf } from "../../../support/interleave.ts";
import { makeStudy, TEAM, testDeps } from "../../../support/service.ts";
import { specOf } from "../../../support/study.ts";

const { client, tableName } = await createTestTable();
const fresh = () => testDeps(client, tableName);

test("a study is loaded as it was created, its space compiled and its scheduler made", async () => {
  const made = await makeStudy(fresh(), { executor: batchExecution, scheduler: halvingScheduler });
  const study = await loadStudy(fresh(), TEAM, made.id);
  expect(study.spec).toEqual(made.spec);
  expect(study.space.parameters.map(({ name }) => name)).toEqual(["C", "gamma"]);
  expect(study.scheduler.rounds?.brackets.resources(0)).toEqual([1, 3, 9]);
});

test("another team's study is not found, also by a process that knows it; nor is one that does not exist", async () => {
  const deps = fresh();
  const { id } = await makeStudy(deps);
  const missing = { type: "study-not-found", facts: { study: id } };
  await expect(loadStudy(deps, "other", id)).rejects.toMatchObject(missing);
  await expect(loadStudy(fresh(), "other", id)).rejects.toMatchObject(missing);
  await expect(loadStudy(fresh(), TEAM, "no-such-study")).rejects.toMatchObject({ type: "study-not-found" });
  expect(await loadStudyById(fresh(), "no-such-study")).toBeNull();
});

test("a warm process reads a study once, a missing one each time", async () => {
  const { id } = await makeStudy(fresh());
  const deps = fresh();
  const commands = await commandsOf(client, async () => {
    expect(await loadStudy(deps, TEAM, id)).toBe(await loadStudyById(deps, id));
    await loadStudyById(deps, "no-such-study");
    await loadStudyById(deps, "no-such-study");
  });
  expect(commands).toHaveLength(3);
});

test("a search space that is not valid is refused with its place", () => {
  const space = { x: { type: "float", low: 3, high: 1 } } as const;
  expect(() => studyOf("svm-1", specOf({ space }))).toThrow(
    expect.objectContaining({ type: "invalid-input", pointer: expect.stringContaining("/space/x") }),
  );
});
