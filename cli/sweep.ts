import type { Firing, FiringPage, PatchSweepBody, Sweep, SweepPage } from "../shared/schemas/sweep.ts";
import { CommandError, command } from "./command.ts";
import { call, callJson, pages } from "./http.ts";
import { countText, firingLine, firingTable, scheduleText, sweepText } from "./sweep-text.ts";
import { aligned } from "./table.ts";
import { readYaml } from "./yaml-file.ts";

export const create = command({
  summary: "Create a sweep, studies on a schedule, from a YAML or JSON file (`-` reads standard input).",
  args: [],
  options: { file: { type: "string", short: "f" } },
  describe: { file: "the sweep, as POST /sweeps takes it (-f for short)" },
  run: async (_, { file }) => {
    if (file === undefined) throw new CommandError("The option -f is missing: -f sweep.yaml");
    const { value, placeOf } = readYaml(file);
    return shown(await callJson<Sweep>("POST", "/sweeps", value, placeOf));
  },
});

export const list = command({
  summary: "List the team's sweeps.",
  args: [],
  options: {},
  describe: {},
  run: async () => {
    const sweeps: SweepPage["sweeps"] = [];
    for await (const page of pages<SweepPage>("/sweeps")) sweeps.push(...page.sweeps);
    const rows = sweeps.map(({ sweep, state, schedule, next, firings }) => [
      sweep,
      state,
      next === null ? "-" : `next ${next}`,
      countText(firings.count),
      scheduleText(schedule),
    ]);
    return { json: { sweeps }, text: aligned(rows).join("\n") || "No sweeps yet." };
  },
});

export const show = command({
  summary: "Show a sweep: when it fires next, and its last firing.",
  args: ["sweep"],
  options: {},
  describe: {},
  run: async ([sweep]) => shown(await callJson<Sweep>("GET", pathOf(sweep))),
});

const patch = (summary: string, body: PatchSweepBody) =>
  command({
    summary,
    args: ["sweep"],
    options: {},
    describe: {},
    run: async ([sweep]) => shown(await callJson<Sweep>("PATCH", pathOf(sweep), body)),
  });

export const pause = patch("Let a sweep fire no more until it is resumed.", { state: "paused" });

export const resume = patch("Let a paused sweep fire again.", { state: "active" });

export const run = command({
  summary: "Fire a sweep now, beside its schedule.",
  args: ["sweep"],
  options: {},
  describe: {},
  run: async ([sweep]) => {
    const firing = await callJson<Firing>("POST", `${pathOf(sweep)}/run`);
    return { json: firing, text: firingLine(firing) };
  },
});

export const firings = command({
  summary: "List a sweep's firings with what their studies came to, newest first.",
  args: ["sweep"],
  options: {},
  describe: {},
  run: async ([sweep]) => {
    const found: Firing[] = [];
    for await (const page of pages<FiringPage>(`${pathOf(sweep)}/firings`)) found.push(...page.firings);
    return { json: { firings: found }, text: firingTable(found) };
  },
});

export const remove = command({
  summary: "Delete a sweep; its studies stay.",
  args: ["sweep"],
  options: { yes: { type: "boolean" } },
  describe: { yes: "required, because this cannot be undone" },
  run: async ([sweep], { yes }) => {
    if (yes !== true)
      throw new CommandError(
        `This deletes ${sweep} and the record of its firings permanently; its studies stay. Add --yes.`,
      );
    await call("DELETE", pathOf(sweep));
    return { json: { deleted: sweep }, text: `Sweep ${sweep} deleted.` };
  },
});

/** An argument, encoded so that it stays one segment of the path. */
const pathOf = (sweep = "") => `/sweeps/${encodeURIComponent(sweep)}`;

const shown = (sweep: Sweep) => ({ json: sweep, text: sweepText(sweep) });
