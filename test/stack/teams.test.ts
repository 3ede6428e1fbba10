import { inject, test } from "vitest";
import { followTeamsPage } from "../support/teams-page.ts";

test("the page on teams, against the deployed stack", { timeout: 180_000 }, () =>
  followTeamsPage(inject("stack")),
);
