import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root } from "../../local/process.ts";
import { expressions } from "../support/cron-oracle.ts";
import { firingsBetween } from "../support/firings.ts";

/** All firings of 2027 by the emulator's own reading of cron expressions, in UTC, as milliseconds since 1970. */
const EMULATOR = `
import json, sys
from datetime import datetime, timedelta, timezone
from ministack.services.eventbridge import _cron_next_fire, _parse_cron_fields

end = datetime(2028, 1, 1, tzinfo=timezone.utc)

def firings(expression):
    fields = _parse_cron_fields(f"cron({expression})")
    found = _cron_next_fire(fields, datetime(2026, 12, 31, 23, 59, tzinfo=timezone.utc))
    while found is not None and found < end:
        yield int(found.timestamp()) * 1000
        found = _cron_next_fire(fields, found)

print(json.dumps([list(firings(expression)) for expression in json.loads(sys.argv[1])]))
`;

const [FROM, TO] = [Date.parse("2027-01-01T00:00:00Z"), Date.parse("2028-01-01T00:00:00Z")];

test("the emulator fires at the times of a year that Hone computes", async () => {
  // The emulator has L of the week once a month, and takes 31W of a shorter month for its last workday.
  const compared = expressions.filter((cron) => !/ L \*$|31W/.test(cron));
  const run = promisify(execFile);
  const options = { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, LOG_LEVEL: "ERROR" } };
  const { stdout } = await run(
    join(root, ".venv/bin/python"),
    ["-c", EMULATOR, JSON.stringify(compared)],
    options,
  );
  const fired: number[][] = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  for (const [i, cron] of compared.entries()) {
    const computed = firingsBetween({ cron }, FROM, TO);
    expect(computed.length, cron).toBeGreaterThan(0);
    expect(fired[i]?.length, cron).toBe(computed.length);
    expect(
      computed.find((time, j) => time !== fired[i]?.[j]),
      cron,
    ).toBeUndefined();
  }
});
