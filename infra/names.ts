import { ArnFormat, type Stack } from "aws-cdk-lib";
import { COMPUTE_STACK, CORE_STACK } from "../shared/deployment.ts";

/**
 * Names that are fixed rather than left to CloudFormation, so that the stacks need not export to each other: CoreStack
 * deploys without ComputeStack (the emulator has no Batch), and the halving machine and the Lambdas that start it and
 * are called by it do not wait for one another.
 */
export interface Names {
  readonly coreStack: string;
  readonly computeStack: string;
  /** Batch job queues for trials with GPUs and without. */
  readonly gpuJobQueue: string;
  readonly cpuJobQueue: string;
  /** Job definition that serves as the template of every study's own. */
  readonly jobDefinition: string;
  /** Common beginning of the template's name and of the definitions registered for studies. */
  readonly jobDefinitionPrefix: string;
  readonly halving: string;
}

/** @param name suffix of a second deployment, or null. */
export const makeNames = (name: string | null): Names => {
  const prefix = name === null ? "hone" : `hone-${name}`;
  const stack = (base: string) => (name === null ? base : `${base}-${name}`);
  return {
    coreStack: stack(CORE_STACK),
    computeStack: stack(COMPUTE_STACK),
    gpuJobQueue: `${prefix}-gpu`,
    cpuJobQueue: `${prefix}-cpu`,
    jobDefinition: `${prefix}-trial`,
    jobDefinitionPrefix: "hone-",
    halving: `${prefix}-halving`,
  };
};

/** Roles are global to an account, so their names carry the Region. */
export const jobRoleName = (stack: Stack, names: Names): string =>
  `${names.jobDefinition}-job-${stack.region}`;
export const executionRoleName = (stack: Stack, names: Names): string =>
  `${names.jobDefinition}-start-${stack.region}`;

export const halvingArn = (stack: Stack, names: Names): string =>
  stack.formatArn({
    service: "states",
    resource: "stateMachine",
    resourceName: names.halving,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });

export const jobQueueArn = (stack: Stack, name: string): string =>
  stack.formatArn({ service: "batch", resource: "job-queue", resourceName: name });
