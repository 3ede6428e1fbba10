import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { root } from "../../local/process.ts";

/**
 * Files that take longest, from the slowest on (about 10 s and more on two cores). Vitest knows no times on a fresh checkout and
 * goes by size; a short file of long tests that comes last leaves all cores but one idle.
 */
export const slow: readonly string[] = [
  "test/faults/routes-with-key.test.ts",
  "test/shared/optimizer/registry.test.ts",
  "test/faults/steps.test.ts",
  "test/clients/python/trials.test.ts",
  "test/shared/service/batch-faults.test.ts",
  "test/faults/routes.test.ts",
  "test/cli/study.test.ts",
  "test/shared/optimizer/gp/gp.test.ts",
  "test/clients/patience.test.ts",
  "test/shared/optimizer/equations.test.ts",
  "test/cli/sweep.test.ts",
  "test/clients/python/examples.test.ts",
  "test/clients/python/nested-cv.test.ts",
  "test/functions/api/matrix.test.ts",
  "test/functions/api/objectives.test.ts",
  "test/shared/service/ladder-faults.test.ts",
  "test/functions/api/limits.test.ts",
  "test/infra/checks.test.ts",
  "test/shared/service/faults.test.ts",
  "test/shared/service/machine-faults.test.ts",
  "test/clients/output.test.ts",
  "test/shared/service/batch/ladders.test.ts",
  "test/clients/checkpoints.test.ts",
  "test/cli/admin.test.ts",
  "test/functions/api/pages.test.ts",
  "test/cli/teams.test.ts",
  "test/clients/worker.test.ts",
  "test/clients/exec.test.ts",
  "test/shared/service/concurrency.test.ts",
];

const places = new Map(slow.map((file, place) => [file, place]));

/** Vitest's order, but the slow files first, then those of a project after another: a process that goes on has loaded much already. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => places.get(relative(root, moduleId)) ?? slow.length;
    const project = ({ project }: TestSpecification) => project.name;
    return (await super.sort(files)).sort(
      (a, b) => place(a) - place(b) || project(a).localeCompare(project(b)),
    );
  }
}
