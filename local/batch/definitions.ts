import type { z } from "zod";
import { arnOf, nameOf } from "./arn.ts";
import { clientError } from "./errors.ts";
import type { DescribeJobDefinitions, RegisterJobDefinition } from "./requests.ts";

export interface JobDefinition extends RegisterJobDefinition {
  readonly jobDefinitionArn: string;
  readonly revision: number;
  readonly status: "ACTIVE" | "INACTIVE";
}

const PAGE = 100;
/** AWS's limit on the JSON of a job definition. */
const MAX_BYTES = 24 * 1024;

/** Job definitions by name and revision, in memory. */
export class Definitions {
  readonly #byName = new Map<string, JobDefinition[]>();

  register(request: RegisterJobDefinition) {
    checkSize(request);
    const { jobDefinitionName } = request;
    const revisions = this.#byName.get(jobDefinitionName) ?? [];
    const revision = revisions.length + 1;
    const jobDefinitionArn = arnOf("job-definition", `${jobDefinitionName}:${revision}`);
    this.#byName.set(jobDefinitionName, [
      ...revisions,
      { ...request, jobDefinitionArn, revision, status: "ACTIVE" },
    ]);
    return { jobDefinitionName, jobDefinitionArn, revision };
  }

  deregister(id: string): void {
    const { jobDefinitionName, revision } = this.#exactly(id);
    const revisions = this.#byName.get(jobDefinitionName) ?? [];
    this.#byName.set(
      jobDefinitionName,
      revisions.map((each) => (each.revision === revision ? { ...each, status: "INACTIVE" } : each)),
    );
  }

  describe(request: z.infer<typeof DescribeJobDefinitions>) {
    const { jobDefinitions, jobDefinitionName, status, maxResults = PAGE, nextToken = "0" } = request;
    const wanted = jobDefinitions?.map(nameOf);
    const found = [...this.#byName.values()]
      .flat()
      .filter(
        (each) =>
          (wanted === undefined ||
            wanted.some(
              (id) => id === each.jobDefinitionName || id === `${each.jobDefinitionName}:${each.revision}`,
            )) &&
          (jobDefinitionName === undefined || each.jobDefinitionName === jobDefinitionName) &&
          (status === undefined || each.status === status),
      );
    const end = Number(nextToken) + maxResults;
    return {
      jobDefinitions: found.slice(Number(nextToken), end),
      ...(end < found.length && { nextToken: String(end) }),
    };
  }

  /** The active definition with this ARN or `name:revision`; for a name alone its latest active revision. */
  active(id: string): JobDefinition {
    const name = nameOf(id);
    const latest = this.#byName.get(name)?.findLast(({ status }) => status === "ACTIVE");
    const definition = latest ?? (name.includes(":") ? this.#exactly(id) : undefined);
    if (definition?.status !== "ACTIVE")
      throw clientError(`JobDefinition does not exist or is not active: ${id}`);
    return definition;
  }

  #exactly(id: string): JobDefinition {
    const [name = "", revision = ""] = nameOf(id).split(":");
    const definition = this.#byName.get(name)?.[Number(revision) - 1];
    if (definition === undefined) throw clientError(`JobDefinition does not exist or is not active: ${id}`);
    return definition;
  }
}

const checkSize = (request: RegisterJobDefinition): void => {
  if (JSON.stringify(request).length > MAX_BYTES) throw clientError("Job definition exceeds 24 KiB");
};
