import type { PatchBudgetBody, TeamBudget } from "../shared/schemas/budget.ts";
import { CommandError, command } from "./command.ts";
import { callJson } from "./http.ts";

/** The word that removes a limit. */
const NONE = "none";

export const budget = command({
  summary: "Show what the team has spent in a month and may spend, or set its limits.",
  args: [],
  options: {
    month: { type: "string" },
    trials: { type: "string" },
    "gpu-hours": { type: "string" },
    dollars: { type: "string" },
  },
  describe: {
    month: "which month to show, such as 2026-11; the current one by default (UTC)",
    trials: `the most trials a month that Hone runs; ${NONE} removes the limit`,
    "gpu-hours": `the most GPU hours a month; ${NONE} removes the limit`,
    dollars: `the most dollars a month, by the deployment's prices; ${NONE} removes the limit`,
  },
  run: async (_, { month, trials, "gpu-hours": gpuHours, dollars }) => {
    const body: PatchBudgetBody = {
      ...(trials !== undefined && { trials: limit("trials", trials) }),
      ...(gpuHours !== undefined && { gpuHours: limit("gpu-hours", gpuHours) }),
      ...(dollars !== undefined && { dollars: limit("dollars", dollars) }),
    };
    if (Object.keys(body).length === 0) {
      const query = month === undefined ? "" : `?month=${encodeURIComponent(month)}`;
      return shown(await callJson<TeamBudget>("GET", `/budget${query}`));
    }
    if (month !== undefined)
      throw new CommandError("The limits are those of every month: leave out --month.");
    return shown(await callJson<TeamBudget>("PATCH", "/budget", body));
  },
});

const limit = (option: string, text: string): number | null => {
  if (text === NONE) return null;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new CommandError(`--${option}: a number or ${NONE} is expected, not ${text}.`);
  return value;
};

const shown = (reply: TeamBudget) => {
  const { month, limits, spent, reserved } = reply;
  const row = (name: string, used: number, held: number, most: number | undefined) =>
    [
      name.padEnd(10),
      used.toFixed(2).padStart(12),
      held.toFixed(2).padStart(12),
      (most === undefined ? "no limit" : String(most)).padStart(12),
    ].join("");
  const head = [month.padEnd(10), ...["spent", "reserved", "limit"].map((name) => name.padStart(12))].join(
    "",
  );
  return {
    json: reply,
    text: [
      head,
      row("trials", spent.trials, 0, limits.trials),
      row("GPU hours", spent.gpuHours, reserved.gpuHours, limits.gpuHours),
      row("vCPU hours", spent.vcpuHours, 0, undefined),
      row("dollars", spent.dollars, reserved.dollars, limits.dollars),
    ].join("\n"),
  };
};
