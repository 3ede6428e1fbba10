import type { AuditExport, AuditLine, AuditPage, AuditQuery, ExportAuditBody } from "../../schemas/audit.ts";
import * as stored from "../../store/audit.ts";
import { AUDIT_PLACE, monthOf } from "../../store/keys.ts";
import { auditExportKey } from "../../study/exports.ts";
import { timestamp } from "../../study/view.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps } from "../core/deps.ts";

const DAY_MS = 24 * 3600 * 1000;
const PAGE = 100;
/** Lines that one request looks through: about a second, however few of them match. */
const SCANNED = 5000;
const AT_ONCE = 500;
/** A query that finds nothing takes as long as this many lines. */
const QUERY_COST = 100;
/** Lines in one object of an export: about 5 MB. */
const OBJECT_LINES = 10_000;
const URL_SECONDS = 3600;

type Deps = Pick<ServiceDeps, "store" | "clock" | "auditDays">;

/**
 * The team's audit trail, the newest line first.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const readAudit = async (deps: Deps, team: string, query: AuditQuery): Promise<AuditPage> => {
  const { study, who, cursor, limit = PAGE } = query;
  const now = deps.clock();
  const from = Math.max(query.from === undefined ? 0 : Date.parse(query.from), now - deps.auditDays * DAY_MS);
  // Another Lambda's clock may be ahead of this one's, but not by a day.
  const to = Math.min(query.to === undefined ? now : Date.parse(query.to), now + DAY_MS);
  const cursors = cursorsOf(
    `audit of ${team} ${study ?? ""} ${who ?? ""}`,
    `\\d{4}-\\d{2}/(?:${AUDIT_PLACE})?`,
  );
  const [begin = monthOf(to), place = ""] = cursors.read(cursor)?.split(/\/(.*)/s) ?? [];
  const lines: AuditLine[] = [];
  let scanned = 0;
  let after = place;
  for (let month = begin; month >= monthOf(from); ) {
    const range = { from, to, after, limit: AT_ONCE, now };
    const page = await stored.readAuditLines(deps.store, team, month, range);
    for (const found of page.lines) {
      if (!isWanted(found.line, study, who)) continue;
      lines.push(shown(found.line));
      if (lines.length === limit) return { lines, cursor: cursors.write(`${month}/${found.place}`) };
    }
    scanned += Math.max(page.lines.length, QUERY_COST);
    after = page.next ?? "";
    if (page.next === null) month = monthBefore(month);
    if (scanned >= SCANNED && month >= monthOf(from)) {
      return { lines, cursor: cursors.write(`${month}/${after}`) };
    }
  }
  return { lines, cursor: null };
};

/**
 * Writes lines of a month to the bucket, one JSON object a line, the newest first. One call writes one object of bounded size; the cursor leads
 * to the next. The same call again writes the same object again.
 * @throws InvalidInput for a cursor that is not one of this month's; Unavailable.
 */
export const exportAudit = async (
  deps: Deps & Pick<ServiceDeps, "checkpoints">,
  team: string,
  { month, cursor }: ExportAuditBody,
): Promise<AuditExport> => {
  const now = deps.clock();
  const cursors = cursorsOf(`audit export of ${team} ${month}`, AUDIT_PLACE);
  const begin = cursors.read(cursor) ?? "";
  const lines: AuditLine[] = [];
  let after: string | null = begin;
  for (let scanned = 0; after !== null && scanned < OBJECT_LINES; scanned += AT_ONCE) {
    const range = { from: 0, to: now, after, limit: AT_ONCE, now };
    const page = await stored.readAuditLines(deps.store, team, month, range);
    lines.push(...page.lines.map(({ line }) => shown(line)));
    after = page.next;
  }
  const key = auditExportKey(team, month, begin);
  await deps.checkpoints.put(key, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return {
    key,
    url: await deps.checkpoints.downloadUrl(key, URL_SECONDS),
    expires: timestamp(now + URL_SECONDS * 1000),
    lines: lines.length,
    cursor: after === null ? null : cursors.write(after),
  };
};

const isWanted = (
  { who, targets }: stored.AuditLine,
  study: string | undefined,
  name: string | undefined,
): boolean =>
  (study === undefined || targets.includes(`study/${study}`)) &&
  (name === undefined || who.id === name || who.member === name);

const shown = ({ at, who, route, targets, fields, requestId, address }: stored.AuditLine): AuditLine => ({
  time: timestamp(at),
  who,
  route,
  targets: [...targets],
  fields: [...fields],
  requestId,
  address,
});

const monthBefore = (month: string): string => monthOf(Date.parse(`${month}-01T00:00:00Z`) - DAY_MS);
