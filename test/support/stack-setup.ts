import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { root } from "../../local/process.ts";
import { makeRunFolder } from "../../local/run-folder.ts";
import { startStack } from "../../local/stack.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The deployed stack that all files of the project `stack` share. */
    stack: {
      /** Base URL up to and including `/v1`. */
      readonly api: string;
      readonly team: string;
      /** Of an owner of the team. */
      readonly token: string;
      /** The AWS API of the emulator, and the local Batch with its `/local` for faults. */
      readonly endpoint: string;
      readonly batch: string;
      /** Names and URLs of what the stack made. */
      readonly outputs: Readonly<Record<string, string>>;
      /** Folder of the logs: emulator.log, batch.log, cdk.log, jobs/. */
      readonly logs: string;
      /** The runner as a command, for any working directory. */
      readonly runner: readonly string[];
    };
  }
}

/** One stack for all test files of a project, deployed before the first and taken down after the last. */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  const cleanings: (() => unknown)[] = [];
  const takeDown = async (): Promise<void> => {
    for (const clean of cleanings) await clean();
  };
  const lifetime = {
    signal: new AbortController().signal,
    atEnd: (clean: () => unknown) => void cleanings.unshift(clean),
  };
  const folder = join(makeRunFolder("tests"), project.name);
  try {
    // Jobs of tests wait more than they compute.
    const stack = await startStack(lifetime, { folder, team: "tests", vcpus: 8 });
    project.provide("stack", {
      api: stack.api,
      team: stack.team,
      token: stack.token,
      endpoint: stack.endpoint,
      batch: stack.batchEndpoint,
      outputs: stack.outputs,
      logs: folder,
      runner: [join(root, ".venv/bin/python"), join(root, "clients/runner/hone")],
    });
  } catch (error) {
    await takeDown();
    throw error;
  }
  return takeDown;
};
