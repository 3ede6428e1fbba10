import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalError } from "./process.ts";
import { honeFolder, isAlive } from "./run-folder.ts";
import type { Stack } from "./stack.ts";

/** Where clients, examples and tests find the stack of `npm run local`. */
const LOCAL = join(honeFolder, "local.json");

/** @throws LocalError when a stack is already running. */
export const refuseSecond = (file = LOCAL): void => {
  const { pid, api } = read(file);
  if (typeof pid === "number" && isAlive(pid)) {
    throw new LocalError(
      `Hone is already running: ${api}, process ${pid}. Stop it with Ctrl-C there, or with kill ${pid}.`,
    );
  }
};

/** Writes the file, readable only by the user because it holds a token. @returns a function that removes it. */
export const announce = (stack: Stack, file = LOCAL): (() => void) => {
  const { api, team, token, endpoint, batchEndpoint, outputs, folder } = stack;
  const content = { api, team, token, pid: process.pid, endpoint, batchEndpoint, outputs, logs: folder };
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file); // atomic: readers never see a partial file
  return () => {
    if (read(file).pid === process.pid) rmSync(file, { force: true });
  };
};

const read = (file: string): { readonly pid?: unknown; readonly api?: unknown } => {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
};
