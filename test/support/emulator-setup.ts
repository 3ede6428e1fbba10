import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startEmulator } from "../../local/emulator.ts";
import { makeRunFolder } from "../../local/run-folder.ts";

/** One emulator for all test files of a project; vitest calls this before the first and the answer after the last. */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  const folder = makeRunFolder("tests");
  const emulator = await startEmulator({ folder: join(folder, project.name) });
  project.provide("emulator", emulator.endpoint);
  return emulator.stop;
};
