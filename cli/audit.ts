import type { AuditExport, AuditLine, AuditPage } from "../shared/schemas/audit.ts";
import { CommandError, command, type Output } from "./command.ts";
import { callJson, pages } from "./http.ts";
import { aligned } from "./table.ts";

export const audit = command({
  summary: "Show who changed what, when, and from where, the newest first.",
  args: [],
  options: {
    study: { type: "string" },
    who: { type: "string" },
    from: { type: "string" },
    to: { type: "string" },
    limit: { type: "string" },
    export: { type: "string" },
  },
  describe: {
    study: "only what was done to this study",
    who: "only what this token, member or IAM principal did",
    from: "the earliest time, as 2026-11-01T00:00:00Z",
    to: "the latest time",
    limit: "how many lines, 100 by default",
    export:
      "instead: a month, as 2026-11, written to the deployment's bucket; prints URLs to download it from",
  },
  run: async (_, { export: month, limit = "100", ...filters }) => {
    if (month !== undefined) {
      if (Object.keys(filters).length > 0) throw new CommandError("--export takes a month and no filter.");
      return exported(month);
    }
    const most = Number(limit);
    if (!Number.isInteger(most) || most < 1) throw new CommandError("--limit: write a whole number from 1.");
    const query = new URLSearchParams({ ...filters, limit: String(Math.min(most, 1000)) });
    const lines: AuditLine[] = [];
    for await (const page of pages<AuditPage>("/audit", `?${query}`)) {
      lines.push(...page.lines);
      if (lines.length >= most) break;
    }
    return shown(lines.slice(0, most));
  },
});

const shown = (lines: readonly AuditLine[]): Output => {
  const rows = lines.map(({ time, who, route, targets, fields, address, requestId }) => [
    time,
    [who.kind, who.member ?? who.id].filter((word) => word !== "").join(" "),
    address ?? "-",
    route,
    [...targets, ...fields, `(request ${requestId})`].join(" "),
  ]);
  return { json: { lines }, text: aligned(rows).join("\n") || "Nothing was changed." };
};

/** All objects of a month. */
const exported = async (month: string): Promise<Output> => {
  const objects: AuditExport[] = [];
  for (let cursor: string | null | undefined; cursor !== null; cursor = objects.at(-1)?.cursor) {
    const body = { month, ...(cursor !== undefined && { cursor }) };
    objects.push(await callJson<AuditExport>("POST", "/audit/export", body));
  }
  const text = objects.map(
    ({ key, lines, url, expires }) => `${key}: ${lines} lines, until ${expires}\n${url}`,
  );
  return { json: { objects }, text: text.join("\n") };
};
