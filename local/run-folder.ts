import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./process.ts";

/** Everything that runs leave behind; not under version control. */
export const honeFolder = join(root, ".hone");

/**
 * A folder for the logs and temporary files of this process, `.hone/run-NAME-PID`. Those of processes that are gone
 * are removed first, so that the logs of a failed run stay until the next one.
 */
export const makeRunFolder = (name: string): string => {
  mkdirSync(honeFolder, { recursive: true });
  for (const entry of readdirSync(honeFolder)) {
    const pid = /^run-[a-z]+-(\d+)$/.exec(entry)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(honeFolder, entry), { recursive: true, force: true });
  }
  const folder = join(honeFolder, `run-${name}-${process.pid}`);
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  return folder;
};

/** Removes a run's folder at its end, unless it failed: then somebody may want to read the logs. */
export const removeUnlessFailed =
  (folder: string) =>
  (exitCode: number): void => {
    if (exitCode === 1) console.error(`The logs are in ${folder} until the next run.`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };

/** Whether a process of this number exists. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it exists and is another user's
  }
};
