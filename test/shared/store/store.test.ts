import { priceTests, storeContract } from "../../support/contracts/store.ts";
import { createTestTable } from "../../support/emulator.ts";
import { createMemoryTable } from "../../support/memory-table/client.ts";

storeContract({
  name: "the in-process table",
  create: async () => {
    let now = 0;
    const { table, ...rest } = createMemoryTable({}, () => now);
    const wait = (ms: number) => {
      now += ms;
    };
    return { ...rest, units: table.units, wait };
  },
  declined: [],
  sequences: 300,
});

storeContract({
  name: "the emulator",
  create: () => createTestTable(),
  declined: [
    { test: "a token is forgotten after ten minutes", reason: "its clock cannot be set" },
    {
      test: "what an update leaves of its item counts for the 4 MB of a transaction",
      reason: "it counts the bytes of the request",
    },
    {
      test: "an update may not set and add the same attribute",
      reason: "it does not look for paths that overlap across clauses",
    },
    { test: "a boolean has no order", reason: "it takes such a comparison as false" },
    ...priceTests.map((test) => ({ test, reason: "it does not count units" })),
  ],
  sequences: 30,
});
