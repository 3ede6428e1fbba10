import { InProgress, KeyReuse } from "../../errors.ts";
import { findReceipt, putReceipt, RECEIPT } from "../../store/receipt.ts";
import { type Change, ConditionFailed } from "../../store/store.ts";
import type { ServiceDeps, WriteContext } from "./deps.ts";

/** Makes the receipt of an answer, to be written in the transaction that the answer acknowledges. */
export type Acknowledge = (answer: unknown) => Change[];

/** Whether this very request was made and answered before. For what leaves nothing behind that could be asked. */
export const wasAnswered = async (
  deps: Pick<ServiceDeps, "store" | "clock">,
  { receipt }: WriteContext,
): Promise<boolean> =>
  receipt !== null && (await findReceipt(deps.store, receipt, deps.clock()))?.body === receipt.body;

/**
 * Runs a write once per Idempotency-Key: a repeat gets the first answer, byte for byte, for 24 hours.
 * @param run does the work and writes `acknowledge(answer)` in the same transaction as its changes.
 * @throws KeyReuse when the key came before with another body.
 */
export const once = async <T>(
  deps: Pick<ServiceDeps, "store" | "clock">,
  write: WriteContext,
  run: (acknowledge: Acknowledge) => Promise<T>,
): Promise<T> => {
  const { receipt } = write;
  if (receipt === null) return run(() => []);

  const replay = async (): Promise<{ answer: T } | null> => {
    const stored = await findReceipt(deps.store, receipt, deps.clock());
    if (stored === null) return null;
    if (stored.body !== receipt.body) throw new KeyReuse();
    return { answer: JSON.parse(stored.answer) as T };
  };

  const earlier = await replay();
  if (earlier !== null) return earlier.answer;
  try {
    return await run((answer) => [putReceipt(receipt, answer, deps.clock())]);
  } catch (error) {
    if (!(error instanceof ConditionFailed && error.names.has(RECEIPT))) {
      // The change may have been made by our own request, repeated by the SDK or the client: then its answer stands.
      const made = error instanceof ConditionFailed ? await replay() : null;
      if (made !== null) return made.answer;
      throw error;
    }
    const other = await replay();
    if (other !== null) return other.answer;
    throw new InProgress("The same request, with the same Idempotency-Key, is being worked on.");
  }
};
