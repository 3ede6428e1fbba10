import { afterAll, expect } from "vitest";

/** What tests of one file could leave to those of another in the same process; spies are restored by vitest. */
const state = () => ({
  environment: { ...process.env },
  folder: process.cwd(),
  globals: [Date, setTimeout, fetch, Math.random, process.exit],
});

const before = state();

afterAll(() => {
  expect(state(), "This file leaves its process changed.").toEqual(before);
});
