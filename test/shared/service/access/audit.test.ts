import { expect, test } from "vitest";
import type { AuditLine, AuditQuery } from "../../../../shared/schemas/audit.ts";
import { exportAudit, readAudit } from "../../../../shared/service/access/audit.ts";
import { newAuditLine, type Who } from "../../../../shared/store/audit.ts";
import { FakeCheckpoints } from "../../../support/checkpoints.ts";
import { createMemoryTable } from "../../../support/memory-table/client.ts";
import { TEAM, testDeps } from "../../../support/service.ts";

/** Long audit trails: what one call looks through is bounded, and cursors lead through all of it. */

const A_WRITE = 100;
const MONTH = "2026-11";

/** A trail with so many lines, a second apart, each by the given one and about the given study. */
const trailOf = async (
  lines: number,
  of: (i: number) => { readonly study: string; readonly who: Who } = () => ({
    study: "svm-1",
    who: { kind: "token", id: "aaaaaaaaaaaa" },
  }),
) => {
  const { client, tableName } = createMemoryTable();
  const checkpoints = new FakeCheckpoints();
  const clock = { now: Date.parse("2026-11-23T12:00:00Z") };
  const deps = { ...testDeps(client, tableName, clock, { checkpoints }), auditDays: 400 };
  for (let from = 0; from < lines; from += A_WRITE) {
    const some = Array.from({ length: Math.min(A_WRITE, lines - from) }, (_, k) => from + k);
    await deps.store.transact(
      some.map((i) => {
        const { study, who } = of(i);
        const rest = { route: "patchStudy", requestId: `request-${i}`, address: null, fields: [], days: 400 };
        return newAuditLine(
          { team: TEAM, who, targets: [`study/${study}`], ...rest },
          [],
          clock.now - i * 1000,
        );
      }),
    );
  }
  const pages = async (query: AuditQuery) => {
    const found: AuditLine[][] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await readAudit(deps, TEAM, { ...query, ...(cursor !== undefined && { cursor }) });
      found.push(page.lines);
      if (page.cursor === null) return found;
      cursor = page.cursor;
    }
  };
  return { deps, checkpoints, clock, pages };
};
const numbers = (lines: readonly AuditLine[]) =>
  lines.map(({ requestId }) => Number(requestId.slice("request-".length)));

test("of a long month one read looks through a bounded number of lines, and its cursor leads to the rest", async () => {
  const rare = [5, 4999, 5600];
  const { deps, pages } = await trailOf(5601, (i) => ({
    study: rare.includes(i) ? "rare-1" : "svm-1",
    who: { kind: "token", id: "aaaaaaaaaaaa" },
  }));
  const found = await pages({ study: "rare-1" });
  expect(found.map(numbers)).toEqual([[5, 4999], [5600]]);
  // In the last month that is asked for, too.
  expect(await pages({ study: "rare-1", from: "2026-11-01T00:00:00Z" })).toEqual(found);
  // Months without lines cost little, and are looked through together.
  expect(await pages({ study: "rare-1", to: "2026-10-01T00:00:00Z" })).toEqual([[]]);
  const { cursor: anns } = await readAudit(deps, TEAM, { who: "aaaaaaaaaaaa", limit: 1 });
  const bobs = readAudit(deps, TEAM, { who: "bbbbbbbbbbbb", cursor: anns ?? "" });
  await expect(bobs).rejects.toMatchObject({ type: "invalid-input", pointer: "/cursor" });
  const { cursor } = await readAudit(deps, TEAM, { study: "rare-1", limit: 1 });
  for (const other of [{ study: "svm-1" }, {}, { study: "rare-1", who: "aaaaaaaaaaaa" }]) {
    const read = readAudit(deps, TEAM, { ...other, cursor: cursor ?? "" });
    await expect(read).rejects.toMatchObject({ type: "invalid-input", pointer: "/cursor" });
  }
});

test("lines of members and of tokens of nobody are shown alike, and found by either name", async () => {
  const { pages } = await trailOf(600, (i) => ({
    study: "svm-1",
    who:
      i % 2 === 0
        ? { kind: "token", id: "aaaaaaaaaaaa", member: "ann" }
        : { kind: "token", id: "bbbbbbbbbbbb" },
  }));
  const all = (await pages({ limit: 100 })).flat();
  expect(numbers(all)).toEqual(Array.from({ length: 600 }, (_, i) => i));
  const even = all.filter(({ who }) => who.member === "ann");
  expect((await pages({ who: "ann" })).flat()).toEqual(even);
  expect((await pages({ who: "aaaaaaaaaaaa" })).flat()).toEqual(even);
  expect((await pages({ who: "bbbbbbbbbbbb" })).flat()).toHaveLength(300);
});

test("an export writes objects of a bounded size, of which the cursor leads to the next", async () => {
  const { deps, checkpoints, clock } = await trailOf(10_600);
  const first = await exportAudit(deps, TEAM, { month: MONTH });
  expect(first).toMatchObject({ lines: 10_000, expires: new Date(clock.now + 3_600_000).toISOString() });
  const second = await exportAudit(deps, TEAM, { month: MONTH, cursor: first.cursor ?? "" });
  expect(second).toMatchObject({ lines: 600, cursor: null });
  const written = [first, second].flatMap(
    ({ key }) => checkpoints.texts.get(key)?.trimEnd().split("\n") ?? [],
  );
  expect(numbers(written.map((line) => JSON.parse(line)))).toEqual(
    Array.from({ length: 10_600 }, (_, i) => i),
  );
});
