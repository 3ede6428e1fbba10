import type { Study, StudyPage } from "../shared/schemas/study.ts";
import type { BestReply, LineageReply, TrialPage } from "../shared/schemas/trial.ts";
import { bestTable } from "./best.ts";
import { CommandError, command, type Output } from "./command.ts";
import { call, callJson, exchange, pages } from "./http.ts";
import { parseJson, readText } from "./json-file.ts";
import { shownNested } from "./nested.ts";
import { racesText } from "./races.ts";
import { scheduleTable } from "./schedule.ts";
import { warmStartText } from "./warm-start.ts";

/** Rows of the Pareto set that `study show` prints; `study best` prints all. */
const SHOWN_BEST = 10;

export const create = command({
  summary: "Create a study from a JSON file (`-` reads standard input).",
  args: [],
  options: { file: { type: "string", short: "f" }, start: { type: "boolean" } },
  describe: {
    file: "the study, as POST /studies takes it (-f for short)",
    start: "start running its trials, if Hone runs them",
  },
  run: async (_, { file, start = false }) => {
    if (file === undefined) throw new CommandError("The option -f is missing: -f study.json");
    const created = await callJson<Study>("POST", "/studies", parseJson(file, readText(file)));
    if (!start) return shown(created);
    try {
      return await started(created.study);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new CommandError(`${created.study} was created but not started. ${error.message}`, error.json);
    }
  },
});

export const list = command({
  summary: "List the team's studies.",
  args: [],
  options: {},
  describe: {},
  run: async () => {
    const studies: StudyPage["studies"] = [];
    for await (const page of pages<StudyPage>("/studies")) studies.push(...page.studies);
    const lines = studies.map(({ study, created, state, trials, budget, best }) => {
      const done = `${trials.completed + trials.pruned + trials.failed}/${budget.trials}`;
      const value = best === null ? "-" : Object.values(best.values).join(" ");
      return `${created}  ${state.padEnd(8)}  ${done.padStart(9)}  best ${value.padEnd(20)}  ${study}`;
    });
    return { json: { studies }, text: lines.join("\n") || "No studies yet." };
  },
});

export const show = command({
  summary: "Show a study's progress.",
  args: ["study"],
  options: {},
  describe: {},
  run: async ([study]) => {
    const path = `/studies/${named(study)}`;
    const { json, text } = shown(await callJson<Study>("GET", path));
    const { scheduler } = json as Study;
    if (scheduler.name !== "segments") return { json, text };
    return { json, text: [text, ...scheduleTable(scheduler.resource.name, await lineage(path))].join("\n") };
  },
});

/** The trials that led to one; to the best one without a number. */
const lineage = async (path: string, trial?: string): Promise<LineageReply["trials"]> => {
  const trials: LineageReply["trials"] = [];
  const query = trial === undefined ? "" : `?trial=${encodeURIComponent(trial)}`;
  for await (const page of pages<LineageReply>(`${path}/lineage`, query)) trials.push(...page.trials);
  return trials;
};

export const schedule = command({
  summary: "Print the schedule of settings that led to a trial, as JSON.",
  args: ["study"],
  options: { trial: { type: "string" } },
  describe: { trial: "the number of its last trial; the best one by default" },
  run: async ([study], { trial }) => {
    const trials = await lineage(`/studies/${named(study)}`, trial);
    return { json: { trials }, text: JSON.stringify({ trials }) };
  },
});

export const best = command({
  summary: "Show the best trial, or the Pareto set.",
  args: ["study"],
  options: {},
  describe: {},
  run: async ([study]) => {
    const path = `/studies/${named(study)}`;
    const trials: BestReply["trials"] = [];
    for await (const page of pages<BestReply>(`${path}/best`)) trials.push(...page.trials);
    return { json: { trials }, text: bestTable(await callJson<Study>("GET", path), trials) };
  },
});

export const races = command({
  summary: "Show all races of a study, instance by instance (--json exports them).",
  args: ["study"],
  options: {},
  describe: {},
  run: async ([study]) => {
    const { races = [] } = await callJson<Study>("GET", `/studies/${named(study)}`);
    return { json: { races }, text: racesText(races, true).join("\n") || "No race has begun." };
  },
});

export const exportTrials = command({
  summary: "Print all finished trials.",
  args: ["study"],
  options: { format: { type: "string" } },
  describe: { format: "csv (the default) or json" },
  run: async ([study], { format = "csv" }) => {
    const path = `/studies/${named(study)}/export`;
    if (format === "csv") {
      const csv = await wholeCsv(`${path}?format=csv`);
      return { json: { csv }, text: csv.trimEnd() };
    }
    const trials: TrialPage["trials"] = [];
    const query = `?format=${encodeURIComponent(format)}`;
    for await (const page of pages<TrialPage>(path, query)) trials.push(...page.trials);
    const json = { trials, cursor: null };
    return { json, text: JSON.stringify(json) };
  },
});

/** How often a study that gets a new metric while it is exported is read again. */
const MAX_READINGS = 5;

/** All pages of an export as one table. */
const wholeCsv = async (path: string): Promise<string> => {
  for (let reading = 1; reading <= MAX_READINGS; reading++) {
    const csv = await joinedCsv(path);
    if (csv !== null) return csv;
  }
  throw new CommandError("The study gets new metrics while it is read. Export it again, or as JSON.");
};

/** The pages under the header row that each of them has; null when they have different ones. */
const joinedCsv = async (first: string): Promise<string | null> => {
  const parts: string[] = [];
  let header: string | null = null;
  let query: string | null = "";
  while (query !== null) {
    const { text, headers } = await exchange("GET", query === "" ? first : `${first.split("?")[0]}?${query}`);
    const end = text.indexOf("\r\n") + 2;
    if (header !== null && text.slice(0, end) !== header) return null;
    parts.push(header === null ? text : text.slice(end));
    header = text.slice(0, end);
    query = /^<[^?>]*\?([^>]*)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1] ?? null;
  }
  return parts.join("");
};

export const start = command({
  summary: "Start running the trials of a batch study.",
  args: ["study"],
  options: {},
  describe: {},
  run: async ([study]) => started(study),
});

const started = async (study = "") => shown(await callJson<Study>("POST", `/studies/${named(study)}/start`));

export const stop = command({
  summary: "Stop a batch study; running trials are terminated and queued again.",
  args: ["study"],
  options: { drain: { type: "boolean" } },
  describe: { drain: "let running trials finish" },
  run: async ([study], { drain = false }) =>
    shown(await callJson<Study>("POST", `/studies/${named(study)}/stop`, { drain })),
});

export const remove = command({
  summary: "Delete a study and all its trials permanently.",
  args: ["study"],
  options: { yes: { type: "boolean" } },
  describe: { yes: "required, because this cannot be undone" },
  run: async ([study], { yes }) => {
    if (yes !== true)
      throw new CommandError(`This deletes ${study} and all its trials permanently. Add --yes.`);
    await call("DELETE", `/studies/${named(study)}`);
    return { json: { deleted: study }, text: `Study ${study} deleted.` };
  },
});

/** An argument, encoded so that it stays one segment of the path. */
const named = (argument = "") => encodeURIComponent(argument);

const shown = (study: Study): Output => {
  const { completed, pruned, failed, running, queued } = study.trials;
  const { nested } = study;
  const most = nested === undefined ? study.budget.trials : nested.folds.length * (study.budget.trials + 1);
  const lines = [
    `${study.study}  ${study.state}`,
    `${completed + pruned + failed} of ${most} trials done (${failed} failed, ${pruned} pruned), ${running} running, ${queued} queued`,
    ...(study.nested === undefined ? shownBest(study) : shownNested(study.nested)),
    ...racesText(study.races ?? [], false),
    ...(study.warmStart === undefined ? [] : warmStartText(study.warmStart)),
    ...(study.sweep === undefined ? [] : [`created by the sweep ${study.sweep}, firing ${study.firing}`]),
    ...(study.message === null ? [] : [study.message]),
  ];
  return { json: study, text: lines.join("\n") };
};

/** The reply has at most 100 of the best trials; only the first few are printed. */
const shownBest = (study: Study): string[] => {
  if (study.best.length === 0) return [];
  const table = bestTable(study, study.best, SHOWN_BEST);
  if (study.objectives.length === 1) return [`best: ${table}`];
  return [`Pareto set (the full table: hone study best ${study.study}):`, table];
};
