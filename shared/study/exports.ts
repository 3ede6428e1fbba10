import { AUDITS } from "../deployment.ts";

/** Objects that a team's exports of its audit trail are, in the bucket. */

/** Prefix of the exports of a team. */
export const auditExportsOf = (team: string): string => `${AUDITS}${team}/`;

/** @param after the place that the export goes on after, or "": its time tells the objects of a month apart. */
export const auditExportKey = (team: string, month: string, after: string): string =>
  `${auditExportsOf(team)}${month}/${after.split("#")[0] || "newest"}.jsonl`;
