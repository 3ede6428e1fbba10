import type { LeasedTrial, TellReply, Trial } from "../../shared/schemas/trial.ts";

/**
 * A recorded history of what clients saw, and the invariants (I1 to I7) that it must keep whatever failed underneath.
 */
export type Event =
  | { readonly kind: "leased"; readonly at: number; readonly worker: string; readonly trial: LeasedTrial }
  | {
      readonly kind: "told";
      readonly at: number;
      readonly number: number;
      readonly attempt: number;
      readonly values: Readonly<Record<string, number>>;
      readonly reply: TellReply;
    }
  | { readonly kind: "released"; readonly at: number; readonly number: number; readonly attempt: number }
  | { readonly kind: "refused"; readonly number: number; readonly attempt: number; readonly type: string };

export interface Recorded {
  readonly events: readonly Event[];
  /** Every trial, as a strongly consistent read showed it at the end. */
  readonly final: readonly Trial[];
  readonly budget: number;
  readonly imported: number;
}

/** What is wrong with a history, in sentences; empty when nothing is. */
export const violations = ({ events, final, budget, imported }: Recorded): string[] => {
  const found: string[] = [];
  const complain = (sentence: string) => found.push(sentence);

  // I1: trial numbers are 0 to n - 1, each once; the budget is never exceeded.
  final.forEach((trial, i) => {
    if (trial.number !== i) complain(`I1: trial ${trial.number} stands at place ${i}`);
  });
  if (final.length - imported > budget)
    complain(`I1: ${final.length - imported} trials of a budget of ${budget}`);

  // I2: an attempt is handed to one worker only, and always with the same configuration.
  const owners = new Map<string, { worker: string; params: string }>();
  const configurations = new Map<number, string>();
  for (const event of events) {
    if (event.kind !== "leased") continue;
    const { number, attempt, params } = event.trial;
    const key = `${number}/${attempt}`;
    const text = JSON.stringify(params);
    const owner = owners.get(key);
    if (owner !== undefined && owner.worker !== event.worker) {
      complain(`I2: attempt ${key} was leased to ${owner.worker} and to ${event.worker}`);
    }
    owners.set(key, { worker: event.worker, params: text });
    const first = configurations.get(number);
    if (first !== undefined && first !== text) complain(`I2: trial ${number} changed its configuration`);
    configurations.set(number, text);
  }

  // I3, I4: an acknowledged tell stands, once, in every later read.
  const byNumber = new Map(final.map((trial) => [trial.number, trial]));
  const acknowledged = new Map<number, string>();
  for (const event of events) {
    if (event.kind !== "told") continue;
    const text = JSON.stringify(event.values);
    const before = acknowledged.get(event.number);
    if (before !== undefined && before !== text)
      complain(`I3: trial ${event.number} was told twice, differently`);
    acknowledged.set(event.number, text);
    const stored = byNumber.get(event.number);
    if (stored === undefined) complain(`I4: trial ${event.number} was told and is gone`);
    else if (stored.state !== "completed" || JSON.stringify(stored.values) !== text) {
      complain(
        `I4: trial ${event.number} was told ${text} and reads ${stored.state} ${JSON.stringify(stored.values)}`,
      );
    }
    // I7: the result is the current attempt's.
    if (stored !== undefined && stored.attempt !== event.attempt) {
      complain(
        `I7: trial ${event.number} took the tell of attempt ${event.attempt}, it is on ${stored.attempt}`,
      );
    }
  }
  // I7: an attempt that was given back is over: it is not handed out again, and has no result.
  for (const released of events) {
    if (released.kind !== "released") continue;
    const { number, attempt } = released;
    for (const event of events) {
      if (event.kind === "leased" && event.at > released.at && event.trial.number === number) {
        if (event.trial.attempt === attempt)
          complain(`I7: attempt ${number}/${attempt} was leased after it was given back`);
      }
      if (event.kind === "told" && event.number === number && event.attempt === attempt)
        complain(`I7: attempt ${number}/${attempt} was given back and told`);
    }
  }
  // I6: what is completed was told by someone; nothing completes by itself.
  for (const trial of final) {
    if (trial.state === "completed" && trial.algorithm !== "import" && !acknowledged.has(trial.number)) {
      const heard = events.some((event) => event.kind === "leased" && event.trial.number === trial.number);
      if (!heard) complain(`I6: trial ${trial.number} is completed and was never handed out`);
    }
  }
  return found;
};
