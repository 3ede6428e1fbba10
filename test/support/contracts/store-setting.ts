import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { Key } from "../../../shared/store/keys.ts";
import {
  type Change,
  ConditionFailed,
  type Item,
  Store,
  type StoreOptions,
  type Update,
} from "../../../shared/store/store.ts";
import { type Fault, injectFaults, retryAtOnce } from "../faults.ts";
import type { Meter } from "../memory-table/units.ts";
import type { TestTable } from "../table.ts";

/** What the cases of the store's contract are made of. */

/** A table under test, and what it lets a test see beside the protocol. */
export interface SubjectTable extends TestTable {
  /** What its requests consumed. */
  readonly units?: Meter;
  /** Lets time pass for it. */
  readonly wait?: (ms: number) => void;
}

export interface StoreSubject {
  readonly name: string;
  /** @returns an empty table of its own, and a client. */
  create(): Promise<SubjectTable>;
  /** Cases that the table cannot pass, each with the reason. They are run all the same, and must fail. */
  readonly declined: readonly { readonly test: string; readonly reason: string }[];
  /** How many random sequences are tried. */
  readonly sequences: number;
}

/** A store on a table of its own, which does not wait: `pauses` has how long it would have. */
export const setUp = async (subject: StoreSubject, options: Partial<StoreOptions> = {}) => {
  const table = await subject.create();
  retryAtOnce(table.client);
  const pauses: number[] = [];
  const store = new Store({
    client: table.client,
    table: table.tableName,
    jitter: () => 1,
    token: randomUUID,
    sleep: async (ms) => void pauses.push(ms),
    ...options,
  });
  return { ...table, store, pauses };
};

export type Setting = Awaited<ReturnType<typeof setUp>>;

export const key = (sk: string, pk = "P"): Key => ({ pk, sk });
export const absent = { expression: "attribute_not_exists(pk)" };
export const put = (sk: string, item: Item = {}): Change => ({ name: sk, key: key(sk), put: item });
export const set = (sk: string, item: Item): Change & { update: Update } => ({
  name: sk,
  key: key(sk),
  update: { set: item },
});
export const rise = (sk: string, by = 1): Change & { update: Update } => ({
  name: sk,
  key: key(sk),
  update: { add: { n: by } },
});
export const text = (bytes: number) => "x".repeat(bytes);
export const KIB = 1024;

export const namesOf = async (run: Promise<unknown>): Promise<string[]> => {
  const error = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConditionFailed)) throw error ?? new Error("no condition failed");
  return [...error.names].sort();
};

/** The table refused the request: no condition failed, and the table was within reach. */
export const expectRefused = async (run: Promise<unknown>): Promise<void> => {
  const error = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({
    name: expect.stringMatching(/^(ValidationException|TransactionCanceledException)$/),
  });
};

/** A write that is over a limit of size is refused as such, which tells a caller that sending it again is of no use. */
export const expectTooLarge = async (run: Promise<unknown>): Promise<void> => {
  await expect(run).rejects.toMatchObject({ type: "too-large" });
};

/** The first calls meet the faults of a list, one fault per call; later calls meet none. @returns the calls. */
export const withFaults = async (
  { client }: TestTable,
  faults: readonly Fault[],
  run: () => Promise<unknown>,
): Promise<string[]> => {
  const calls: string[] = [];
  const restore = injectFaults(client, (command, call) => {
    calls.push(command);
    return faults[call] ?? "none";
  });
  try {
    await run();
  } finally {
    restore();
  }
  return calls;
};

export const always = (fault: Fault) => Array.from({ length: 100 }, () => fault);

/** Always the same token. Tokens belong to an account: tests must not share one. */
export const oneToken = () => {
  const token = randomUUID();
  return () => token;
};

export interface Case {
  readonly test: string;
  readonly run: (subject: StoreSubject) => Promise<void>;
}
