import { expect, test } from "vitest";
import { listingKey, listingPlace, teamKey, teamStudyKey, tokenKey } from "../../../shared/store/keys.ts";
import {
  clearOutdated,
  type Listing,
  listDeleting,
  listOutdated,
  moveOldListings,
  newListing,
  noteOutdated,
  readListings,
  refreshListing,
} from "../../../shared/store/listing.ts";
import { createTestTable } from "../../support/emulator.ts";
import { before, TRANSACT } from "../../support/interleave.ts";
import { testDeps } from "../../support/service.ts";
import { NOON } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

const summary = {
  trials: { queued: 0, running: 1, paused: 0, completed: 2, pruned: 0, failed: 0 },
  budget: 9,
  best: { number: 1, values: { loss: 0.1 + 0.2 } },
};
const listing = (study: string, created: number, change: Partial<Listing> = {}): Listing => ({
  study,
  team: "acme",
  name: "svm-digits",
  created,
  state: "running",
  summary,
  asOf: created,
  ...change,
});
const refused = expect.objectContaining({ names: new Set(["listing"]) });

test("a team's studies are listed newest first, those of one moment by their ids, and nobody else's", async () => {
  const old = listing("study-z", NOON - 1);
  const [b, a] = [listing("study-b", NOON), listing("study-a", NOON)];
  const fresh = listing("study-m", NOON + 1e9, { state: "ready" });
  await store.transact([
    ...[b, old, fresh, a, listing("study-c", NOON, { team: "other" })].map(newListing),
    { name: "team", key: teamKey("acme"), put: { created: NOON } },
    { name: "token", key: tokenKey("acme", "abc"), put: { name: "t" } },
  ]);
  expect(await readListings(store, "acme", "", 10)).toEqual([fresh, a, b, old]);
  expect(await readListings(store, "acme", "", 2)).toEqual([fresh, a]);
  expect(await readListings(store, "acme", listingPlace(NOON, "study-a"), 10)).toEqual([b, old]);
  expect(await readListings(store, "acme", listingPlace(NOON, "study-aa"), 1)).toEqual([b]);
});

test("a newer reading replaces an older one, never the other way, and nothing a deletion or what is gone", async () => {
  const team = "refreshed";
  const one = listing("study-a", NOON, { team });
  const later = { ...one, state: "finished" as const, asOf: NOON + 5 };
  await store.transact([newListing(one)]);
  await store.update(refreshListing(later));
  await expect(store.update(refreshListing({ ...one, asOf: NOON + 4 }))).rejects.toEqual(refused);
  expect(await readListings(store, team, "", 10)).toEqual([later]);
  await store.transact(listDeleting(one, NOON + 6));
  await expect(store.update(refreshListing({ ...one, asOf: NOON + 9 }))).rejects.toEqual(refused);
  expect(await readListings(store, team, "", 10)).toEqual([{ ...later, state: "deleting", asOf: NOON + 6 }]);
  await store.removeAll([listingKey(team, NOON, "study-a")]);
  await expect(store.update(refreshListing({ ...one, asOf: NOON + 10 }))).rejects.toEqual(refused);
  expect(await readListings(store, team, "", 10)).toEqual([]);
});

test("listings of an older version are moved to where they are in order, once, and say that nothing is known", async () => {
  const team = "moved";
  const old = Array.from({ length: 120 }, (_, i) => ({ study: `study-${i}`, created: NOON + i }));
  for (const { study, created } of old) {
    const put = { name: "svm", created, state: "active" };
    await store.transact([{ name: "listing", key: teamStudyKey(team, study), put }]);
  }
  await store.transact([newListing(listing("study-new", NOON + 1000, { team }))]);
  await moveOldListings(store, team);
  await moveOldListings(store, team);
  const all = await readListings(store, team, "", 1000);
  expect(all.map(({ study }) => study)).toEqual(["study-new", ...old.map(({ study }) => study).reverse()]);
  expect(all[1]).toMatchObject({ state: null, summary: null, asOf: 0, created: NOON + 119 });
});

test("what another process has moved meanwhile stays as that process left it", async () => {
  const team = "raced";
  for (const [i, study] of ["study-a", "study-b"].entries()) {
    const put = { name: "svm", created: NOON + i };
    await store.transact([{ name: "listing", key: teamStudyKey(team, study), put }]);
  }
  before(client, TRANSACT, async () => {
    await moveOldListings(store, team);
    await store.update(refreshListing(listing("study-a", NOON, { team, asOf: NOON + 5 })));
    await store.removeAll([listingKey(team, NOON + 1, "study-b")]);
  });
  await moveOldListings(store, team);
  expect(await readListings(store, team, "", 10)).toEqual([
    listing("study-a", NOON, { team, asOf: NOON + 5 }),
  ]);
});

test("a note stands until it is cleared, and one that was made again is not cleared with the first", async () => {
  await store.update(noteOutdated("study-a", NOON));
  await store.update(noteOutdated("study-b", NOON));
  await store.update(noteOutdated("study-a", NOON + 1));
  await expect(store.transact([clearOutdated({ study: "study-a", at: NOON })])).rejects.toMatchObject({
    names: new Set(["outdated"]),
  });
  await store.transact([clearOutdated({ study: "study-b", at: NOON })]);
  expect(await listOutdated(store)).toEqual([{ study: "study-a", at: NOON + 1 }]);
});
