import { expect, test } from "vitest";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { listStudies } from "../../../../shared/service/studies/list.ts";
import { newListing } from "../../../../shared/store/listing.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { makeStudy, noReceipt, TEAM, testDeps } from "../../../support/service.ts";
import { NOON } from "../../../support/study.ts";

const { client, tableName } = await createTestTable();
const deps = testDeps(client, tableName);

const listed = (study: string) => newListing("pages", { study, name: "svm", state: "active", created: NOON });

test("studies are listed page by page in order of their ids; the last page has no cursor", async () => {
  const ids = Array.from({ length: 5 }, (_, i) => `study-${i}`);
  await deps.store.transact(ids.map(listed));
  const first = await listStudies(deps, "pages", { limit: 2 });
  expect(first.studies.map(({ study }) => study)).toEqual(ids.slice(0, 2));
  expect(first.studies[0]).toEqual({
    study: "study-0",
    name: "svm",
    state: "active",
    created: "2026-11-23T12:00:00.000Z",
  });
  expect(first.cursor).not.toBeNull();
  const second = await listStudies(deps, "pages", { limit: 3, cursor: first.cursor ?? "" });
  expect(second.studies.map(({ study }) => study)).toEqual(ids.slice(2));
  // The page is full, so there may be more.
  expect(await listStudies(deps, "pages", { cursor: second.cursor ?? "" })).toEqual({
    studies: [],
    cursor: null,
  });
  expect((await listStudies(deps, "pages", {})).cursor).toBeNull();
});

test("a team without studies has an empty list", async () => {
  expect(await listStudies(deps, "nobody", {})).toEqual({ studies: [], cursor: null });
});

test("a study that is deleted is listed no more", async () => {
  const [kept, gone] = [await makeStudy(deps), await makeStudy(deps)];
  await deleteStudy(deps, gone, noReceipt);
  expect((await listStudies(deps, TEAM, {})).studies.map(({ study }) => study)).toEqual([kept.id]);
});
