import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./process.ts";

/** All files of local runs; not under version control. */
export const honeFolder = join(root, ".hone");

/**
 * A folder for the logs and temporary files of this process, `.hone/run-NAME-PID`. The folders of processes that have ended
 * are removed first; so the logs of a failed run are kept until the next run.
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

/** Removes a run's folder at the end, unless the run failed: then the logs are kept. */
export const removeUnlessFailed =
  (folder: string) =>
  (exitCode: number): void => {
    if (exitCode === 1) console.error(`The logs are kept in ${folder} until the next run.`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };

/** Whether a process with this id exists. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it exists, but belongs to another user
  }
};
