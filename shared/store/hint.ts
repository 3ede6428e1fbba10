import { hintKey } from "./keys.ts";
import type { Change, Item, Update } from "./store.ts";

/**
 * A study's hint, in an item of its own beside the head, so that the head stays small and an ask reads both in one
 * Query. Numbers are packed as 32-bit floats: a start for a search needs no more.
 */

/** What an algorithm keeps for the next ask, as the optimizer defines it. */
interface StoredHint {
  readonly algorithm: string;
  readonly revision: number;
  readonly trials: number;
  readonly values: readonly number[];
}

/** More numbers than this are not worth the read units. */
export const MOST_HINTED = 2000;

/** The hint of a study that gets no asks for this long is dropped and computed again. */
const KEPT_SECONDS = 90 * 24 * 3600;

/**
 * Puts a hint unless a newer one of the same algorithm and revision is there: a lone write, at half the price of a
 * transaction; it fails under the name "hint". Every hint expires, so one that is put after its study was deleted does too.
 * @param now milliseconds since 1970.
 */
export const putHint = (
  study: string,
  { algorithm, revision, trials, values }: StoredHint,
  now: number,
): Change & { update: Update } => ({
  name: "hint",
  key: hintKey(study),
  update: {
    set: {
      algorithm,
      revision,
      trials,
      values: new Uint8Array(Float32Array.from(values).buffer),
      ttl: Math.floor(now / 1000) + KEPT_SECONDS,
    },
  },
  when: {
    expression:
      "attribute_not_exists(pk) OR #algorithm <> :algorithm OR #revision <> :revision OR #trials < :trials",
    values: { algorithm, revision, trials },
  },
});

/** The hint of an item; null when it cannot be read; a hint may always be missing. */
export const readHint = ({ algorithm, revision, trials, values }: Item): StoredHint | null => {
  const isWhole = values instanceof Uint8Array && values.byteLength % 4 === 0;
  if (!isWhole || typeof algorithm !== "string" || typeof revision !== "number" || typeof trials !== "number")
    return null;
  const numbers = Array.from(new Float32Array(values.slice().buffer));
  return { algorithm, revision, trials, values: numbers };
};
