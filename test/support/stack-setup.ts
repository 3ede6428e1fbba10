import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import type { Lifetime } from "../../local/lifetime.ts";
import { root } from "../../local/process.ts";
import { makeRunFolder } from "../../local/run-folder.ts";
import { startStack } from "../../local/stack.ts";
import { startRecorder } from "./recorder/server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The deployed stack that all files of the projects `stack` and `recorded` share; missing without the former. */
    stack: {
      /** Base URL up to and including `/v1`. */
      readonly api: string;
      readonly team: string;
      /** Of an owner of the team. */
      readonly token: string;
      /** The AWS API of the emulator, through the recorder, and the local Batch with its `/local` for faults. */
      readonly endpoint: string;
      readonly batch: string;
      /** Names and URLs of what the stack made. */
      readonly outputs: Readonly<Record<string, string>>;
      /** Folder of the logs: emulator.log, batch.log, cdk.log, jobs/. */
      readonly logs: string;
      /** File of what Lambdas and callers of the API did: `recorder/note.ts`. */
      readonly record: string;
      /** The runner as a command, for any working directory. */
      readonly runner: readonly string[];
    };
  }
}

/**
 * One stack for all test files of a project, deployed before the first and taken down after the last. The emulator
 * enforces the Lambdas' roles, and a recorder stands between them and it, for `test/permissions/recorded.test.ts`.
 */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  const cleanings: ((exitCode: number) => unknown)[] = [];
  const takeDown = async (): Promise<void> => {
    for (const clean of cleanings) await clean(0);
  };
  const lifetime: Lifetime = {
    signal: new AbortController().signal,
    atEnd: (clean) => void cleanings.unshift(clean),
  };
  const folder = join(makeRunFolder("tests"), project.name);
  try {
    mkdirSync(folder, { recursive: true });
    const record = join(folder, "calls.jsonl");
    const recorder = await startRecorder(record);
    lifetime.atEnd(recorder.stop);
    const emulator = { enforceIam: true };
    // Jobs of tests wait more than they compute.
    const stack = await startStack(lifetime, {
      folder,
      team: "tests",
      vcpus: 8,
      emulator,
      between: recorder,
    });
    // To all projects: one of them looks at the record when this one is done.
    project.vitest.getRootProject().provide("stack", {
      api: stack.api,
      team: stack.team,
      token: stack.token,
      endpoint: recorder.url,
      batch: stack.batchEndpoint,
      outputs: stack.outputs,
      logs: folder,
      record,
      runner: [join(root, ".venv/bin/python"), join(root, "clients/runner/hone")],
    });
  } catch (error) {
    await takeDown();
    throw error;
  }
  return takeDown;
};
