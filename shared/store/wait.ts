import { waitKey } from "./keys.ts";
import type { Change, Store, Update } from "./store.ts";

/** The task tokens of the state machines that wait until a part of nested cross-validation is over, oldest first. */
export interface Wait {
  readonly study: string;
  readonly taskTokens: readonly string[];
}

export const readWait = async (store: Store, study: string): Promise<Wait> => {
  const item = await store.get(waitKey(study));
  return { study, taskTokens: item === null ? [] : (JSON.parse(String(item.tokens)) as string[]) };
};

/** Replaces the tokens that were read; fails under the name "wait" when others came or went meanwhile. */
export const changeWait = (
  { study, taskTokens: before }: Wait,
  taskTokens: readonly string[],
): Change & { update: Update } => ({
  name: "wait",
  key: waitKey(study),
  update: { set: { tokens: JSON.stringify(taskTokens) } },
  when:
    before.length === 0
      ? { expression: "attribute_not_exists(#tokens) OR #tokens = :none", values: { none: "[]" } }
      : { expression: "#tokens = :before", values: { before: JSON.stringify(before) } },
});
