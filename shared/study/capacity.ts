import { escapedBytes } from "../bytes.ts";
import type { Space } from "../space/space.ts";
import { MAX_ACTIONS, MAX_ITEM_BYTES, MAX_TRANSACTION_BYTES } from "../store/limits.ts";
import { packedBytes } from "../store/packed-params.ts";

/** How much of a study fits into one write and into one reply. Both depend on the search space alone. */

/** Of a reply's body: a Lambda's reply has at most 6 MB, and holds its body as a JSON string, with quotes escaped. */
export const MAX_REPLY_BYTES = 5.5e6;

/** Head, budget, rung and receipt have room beside the trials of a transaction. */
const OTHER_CHANGES = 10;
/** A trial without its configuration: texts, up to ten lost attempts with their reasons, and its job. */
const TRIAL_BYTES = 40_000;
/** A leased trial in a reply, without its configuration. */
const LEASE_BYTES = 8000;
/** A number in JSON, with its comma. */
const NUMBER_BYTES = 26;

/** Trials that one transaction may write: 90, fewer in a space of many thousand parameters. */
export const mostTrialChanges = (space: Space): number =>
  Math.min(
    MAX_ACTIONS - OTHER_CHANGES,
    Math.floor((MAX_TRANSACTION_BYTES - MAX_ITEM_BYTES) / (TRIAL_BYTES + packedBytes(space))),
  );

/** Trials that one ask may hand out: as many as a transaction takes and a reply holds. */
export const mostLeases = (space: Space): number =>
  Math.max(
    1,
    Math.min(
      mostTrialChanges(space),
      Math.floor(MAX_REPLY_BYTES / (LEASE_BYTES + longestConfiguration(space))),
    ),
  );

const jsonBytes = (value: unknown): number => escapedBytes(JSON.stringify(value));

/** Bytes of a space's longest configuration in JSON, within a reply's body, at most. */
export const longestConfiguration = ({ parameters }: Space): number =>
  parameters.reduce(
    (sum, parameter) =>
      sum +
      jsonBytes(parameter.name) +
      2 +
      ("choices" in parameter ? Math.max(...parameter.choices.map(jsonBytes)) : NUMBER_BYTES),
    0,
  );
