import { Contended, InProgress, KeyReuse, NotFound } from "../../errors.ts";
import { newAuditLine } from "../../store/audit.ts";
import { MAX_ACTIONS } from "../../store/limits.ts";
import { findReceipt, putReceipt, RECEIPT } from "../../store/receipt.ts";
import { type Change, ConditionFailed, type Update } from "../../store/store.ts";
import { TEAM_CLOSED, whileOpen } from "../../store/team-deletion.ts";
import type { ServiceDeps, WriteContext } from "./deps.ts";

/** What committing needs; tokens and teams need no more than this. */
export type CommitDeps = Pick<ServiceDeps, "store" | "clock">;

/** What a use case wants to write, and what it answers then. It is made from what was just read. */
export interface Plan<T, R = T> {
  /** All of them or none; none when there is nothing to do. */
  readonly changes: readonly Change[];
  readonly answer: T;
  /** What the receipt remembers, if not the answer itself: an answer may be larger than an item. */
  readonly remembered?: R;
  /**
   * With a guard there may be more changes than one transaction takes: they are written in several, each with the guard, one
   * after the other. Each change must then be right by itself.
   */
  readonly guard?: Change;
  /** A single update may be written outside a transaction, at half the price: the next plan recognises its own write. */
  readonly lone?: true;
  /** By the name of a change: why its failed condition is final. Any other failed condition means that the plan is stale. */
  readonly refusals?: Readonly<Partial<Record<string, () => Error>>>;
}

export interface CommitOptions<T, R> {
  /** How often a plan that became stale is made again, and for how long, by the service's clock. */
  readonly tries?: number;
  readonly milliseconds?: number;
  /** Makes the answer of a repeated request from what its receipt remembers, when that is not the answer itself. */
  readonly recall?: (remembered: R) => Promise<T>;
}

const DEFAULT_TRIES = 10;

/** The names of the changes whose conditions did not hold; null when everything is written. */
type Failed = ReadonlySet<string> | null;

/**
 * Commits what a use case plans: reads and plans, writes, and plans again when what was read has changed meanwhile. A request
 * with an Idempotency-Key is committed once: for 24 hours a repeat gets the first answer, byte for byte, or what `recall`
 * makes of what was remembered of it. What an audited request changes is written together with its line of the audit trail, under
 * one time however often it is planned, so that a request has one line; and only while its team is not being deleted.
 * @param plan reads and plans; called again after a conflict.
 * @throws what a plan refuses with; KeyReuse when the key came before with another body; InProgress; Contended when
 *   others kept winning.
 */
export const commit = async <T, R = T>(
  deps: CommitDeps,
  write: WriteContext,
  plan: (attempt: number) => Promise<Plan<T, R>>,
  options: CommitOptions<T, R> = {},
): Promise<T> => {
  const { milliseconds, recall } = options;
  const { tries = milliseconds === undefined ? DEFAULT_TRIES : Number.POSITIVE_INFINITY } = options;
  const replayed = async () => {
    const earlier = await rememberedOf<R>(deps, write);
    if (earlier === null) return null;
    return {
      answer: recall === undefined ? (earlier.remembered as unknown as T) : await recall(earlier.remembered),
    };
  };
  const earlier = await replayed();
  if (earlier !== null) return earlier.answer;
  const began = deps.clock();
  const deadline = began + (milliseconds ?? Number.POSITIVE_INFINITY);
  for (let attempt = 1; attempt <= tries && deps.clock() < deadline; attempt++) {
    const planned = await plan(attempt);
    const failed = await writePlan(deps, write, planned, began);
    if (failed === null) return planned.answer;
    const refusal = refusalOf(planned, failed);
    if (refusal !== null || failed.has(RECEIPT)) {
      // The change may be our own, made by a repeated request whose reply was lost: then its answer stands.
      const made = await replayed();
      if (made !== null) return made.answer;
      throw refusal ?? new InProgress();
    }
    if (attempt < tries) await deps.store.pause(attempt);
  }
  throw new Contended();
};

/** Writes all changes or none, without planning again. @returns whether they are written: false for a failed condition. */
export const commitOnce = async (
  { store }: Pick<ServiceDeps, "store">,
  changes: readonly Change[],
): Promise<boolean> => changes.length === 0 || (await unlessFailed(() => store.transact(changes))) === null;

/** The same for one update, at half the price: after a lost reply it may say false although the update is written. */
export const updateOnce = async (
  { store }: Pick<ServiceDeps, "store">,
  change: Change & { readonly update: Update },
): Promise<boolean> => (await unlessFailed(() => store.update(change))) === null;

/** Whether this very request was made and answered before. For what leaves nothing behind that could be loaded. */
export const wasAnswered = async (deps: CommitDeps, { receipt }: WriteContext): Promise<boolean> =>
  receipt !== null && (await findReceipt(deps.store, receipt, deps.clock()))?.body === receipt.body;

const rememberedOf = async <R>(
  { store, clock }: CommitDeps,
  { receipt }: WriteContext,
): Promise<{ readonly remembered: R } | null> => {
  const stored = receipt === null ? null : await findReceipt(store, receipt, clock());
  if (stored === null) return null;
  if (stored.body !== receipt?.body) throw new KeyReuse();
  return { remembered: JSON.parse(stored.answer) as R };
};

const writePlan = async <T, R>(
  { store, clock }: CommitDeps,
  { receipt, audit }: WriteContext,
  { changes, answer, remembered, guard, lone }: Plan<T, R>,
  began: number,
): Promise<Failed> => {
  const receipts =
    receipt === null ? [] : [putReceipt(receipt, remembered === undefined ? answer : remembered, clock())];
  const lines = audit === undefined || changes.length === 0 ? [] : [newAuditLine(audit, changes, began)];
  const guards = lines.length === 0 || changes.some(isOnClosure) ? [] : [whileOpen(audit?.team ?? "")];
  // The line is in the first of several transactions, so that nothing is written without it.
  const all = [...guards, ...lines, ...changes, ...receipts];
  const [first] = all;
  if (first === undefined) return null;
  if (lone && all.length === 1 && "update" in first) return unlessFailed(() => store.update(first));
  if (guard === undefined) return unlessFailed(() => store.transact(all));
  const most = MAX_ACTIONS - 1;
  for (let i = 0; i < all.length; i += most) {
    const failed = await unlessFailed(() => store.transact([guard, ...all.slice(i, i + most)]));
    if (failed !== null) return failed;
  }
  return null;
};

/** Whether a plan looks itself at whether the team is being deleted. */
const isOnClosure = ({ name }: Change): boolean => name === TEAM_CLOSED;

const unlessFailed = async (run: () => Promise<unknown>): Promise<Failed> => {
  try {
    await run();
    return null;
  } catch (error) {
    if (error instanceof ConditionFailed) return error.names;
    throw error;
  }
};

const refusalOf = (
  { refusals = {} }: Pick<Plan<unknown>, "refusals">,
  failed: ReadonlySet<string>,
): Error | null => {
  for (const name of failed) {
    const refuse = refusals[name];
    if (refuse !== undefined) return refuse();
  }
  return failed.has(TEAM_CLOSED) ? new NotFound({ kind: "team-deleted" }) : null;
};
