import { describe, expect, test } from "vitest";
import { environment, NO_QUEUE } from "../../shared/deployment.ts";
import {
  allStatements,
  flat,
  lambdaOf,
  ofType,
  type Resource,
  statementsOfRole,
  synthesize,
  synthesizeBoth,
  type Template,
  target,
} from "./synthesize.ts";

const { core, compute } = synthesizeBoth();

const names = (template: Template, type: string, property: string): string[] =>
  ofType(template, type).map(([, { Properties }]) => flat(Properties[property]));
const first = (type: string): Resource => {
  const [[, resource] = []] = ofType(compute, type);
  if (resource === undefined) throw new Error(`No ${type}`);
  return resource;
};

describe("instances", () => {
  const resources = ofType(compute, "AWS::Batch::ComputeEnvironment").map(
    ([, { Properties }]) => Properties.ComputeResources as Record<string, unknown>,
  );

  test("are Spot instances of many types, none while nothing is queued", () => {
    expect(resources).toHaveLength(2);
    for (const resource of resources) {
      expect(resource).toMatchObject({
        Type: "SPOT",
        AllocationStrategy: "SPOT_PRICE_CAPACITY_OPTIMIZED",
        MinvCpus: 0,
        MaxvCpus: 256,
      });
      expect((resource.InstanceTypes as string[]).length).toBeGreaterThanOrEqual(3);
    }
    expect(resources[0]?.InstanceTypes).toEqual(["g4dn", "g5", "g6"]);
  });

  test("have a limit that the context sets", () => {
    const { compute: small } = synthesizeBoth({ context: { maxGpuVcpus: "8", maxCpuVcpus: "16" } });
    const ceilings = ofType(small, "AWS::Batch::ComputeEnvironment").map(
      ([, { Properties }]) => (Properties.ComputeResources as { MaxvCpus: number }).MaxvCpus,
    );
    expect(ceilings).toEqual([8, 16]);
  });

  test("are of the families that the context names, for Regions that lack some", () => {
    const context = { gpuFamilies: "g4dn,g6", cpuFamilies: "c7i, m7i" };
    const { compute: own } = synthesizeBoth({ context });
    const families = ofType(own, "AWS::Batch::ComputeEnvironment").map(
      ([, { Properties }]) => (Properties.ComputeResources as { InstanceTypes: string[] }).InstanceTypes,
    );
    expect(families).toEqual([
      ["g4dn", "g6"],
      ["c7i", "m7i"],
    ]);
  });

  test("are on demand too where the context says how many", () => {
    const { compute: own } = synthesizeBoth({ context: { maxOnDemandVcpus: "12" } });
    const kinds = ofType(own, "AWS::Batch::ComputeEnvironment").map(([, { Properties }]) => {
      const { Type, MaxvCpus } = Properties.ComputeResources as { Type: string; MaxvCpus: number };
      return [Type, MaxvCpus];
    });
    expect(kinds).toEqual([
      ["SPOT", 256],
      ["SPOT", 256],
      ["EC2", 12],
      ["EC2", 12],
    ]);
    expect(names(own, "AWS::Batch::JobQueue", "JobQueueName")).toEqual([
      "hone-spot-gpu",
      "hone-spot-cpu",
      "hone-on-demand-gpu",
      "hone-on-demand-cpu",
    ]);
  });

  test("encrypt their disks and provide credentials only through IMDSv2", () => {
    for (const [, template] of ofType(compute, "AWS::EC2::LaunchTemplate")) {
      expect(template.Properties.LaunchTemplateData).toMatchObject({
        MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
        BlockDeviceMappings: [{ Ebs: { Encrypted: true } }],
      });
    }
  });
});

describe("the network", () => {
  test("has no NAT gateway and no address that costs money while idle", () => {
    expect(ofType(compute, "AWS::EC2::NatGateway")).toEqual([]);
    expect(ofType(compute, "AWS::EC2::EIP")).toEqual([]);
    expect(names(compute, "AWS::EC2::VPCEndpoint", "VpcEndpointType")).toEqual(["Gateway"]);
  });

  test("allows no inbound traffic", () => {
    expect(ofType(compute, "AWS::EC2::SecurityGroupIngress")).toEqual([]);
    expect(first("AWS::EC2::SecurityGroup").Properties).not.toHaveProperty("SecurityGroupIngress");
    const used = ofType(compute, "AWS::Batch::ComputeEnvironment").flatMap(
      ([, { Properties }]) =>
        (Properties.ComputeResources as { SecurityGroupIds: unknown[] }).SecurityGroupIds,
    );
    expect(new Set(used.map(target))).toEqual(new Set([ofType(compute, "AWS::EC2::SecurityGroup")[0]?.[0]]));
  });

  test("has as many zones as the context says, without a look-up in an account", () => {
    const zones = (count: string) =>
      ofType(synthesizeBoth({ context: { zones: count } }).compute, "AWS::EC2::Subnet");
    expect(zones("3")).toHaveLength(3);
    expect(zones("1")[0]?.[1].Properties.AvailabilityZone).toEqual({
      "Fn::Select": [0, { "Fn::GetAZs": "" }],
    });
  });
});

describe("jobs", () => {
  test("are cancelled after an hour without an instance, and after ten minutes if no instance can run them", () => {
    for (const [, queue] of ofType(compute, "AWS::Batch::JobQueue")) {
      const limits = queue.Properties.JobStateTimeLimitActions as Record<string, unknown>[];
      for (const limit of limits) expect(limit).toMatchObject({ Action: "CANCEL", State: "RUNNABLE" });
      expect(Object.fromEntries(limits.map((limit) => [limit.Reason, limit.MaxTimeSeconds]))).toEqual({
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": 3600,
        "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": 600,
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": 600,
      });
    }
  });

  test("wait in queues that teams share fairly", () => {
    const [policy = ""] = ofType(compute, "AWS::Batch::SchedulingPolicy").map(([id]) => id);
    expect(first("AWS::Batch::SchedulingPolicy").Properties.FairsharePolicy).toMatchObject({
      ShareDecaySeconds: 3600,
    });
    const queues = ofType(compute, "AWS::Batch::JobQueue");
    expect(queues).toHaveLength(2);
    for (const [, queue] of queues) expect(target(queue.Properties.SchedulingPolicyArn)).toBe(policy);
  });

  test("are not retried by Batch, because their attempt is already claimed", () => {
    expect(first("AWS::Batch::JobDefinition").Properties.RetryStrategy).toEqual({ Attempts: 1 });
  });

  test("have a time-out, and a log group with a retention time", () => {
    const { Properties: definition } = first("AWS::Batch::JobDefinition");
    expect(definition.Timeout).toEqual({ AttemptDurationSeconds: 86_400 });
    const container = definition.ContainerProperties as {
      LogConfiguration: { Options: Record<string, unknown> };
    };
    const group = target(container.LogConfiguration.Options["awslogs-group"]);
    expect(compute.Resources[group ?? ""]?.Properties.RetentionInDays).toBe(90);
  });

  test("have no permissions in the account", () => {
    const container = first("AWS::Batch::JobDefinition").Properties.ContainerProperties as {
      JobRoleArn: unknown;
    };
    const role = target(container.JobRoleArn) ?? "";
    expect(statementsOfRole(compute, role)).toEqual([]);
    expect(compute.Resources[role]?.Properties).not.toHaveProperty("ManagedPolicyArns");
  });

  test("get the policies of the context, and may read its buckets and do nothing else with them", () => {
    const policies = ["arn:aws:iam::111122223333:policy/hone-jobs", "arn:aws:iam::aws:policy/ReadOnlyAccess"];
    const context = { jobPolicies: policies.join(), dataBuckets: "acme-images, acme-labels" };
    const { compute: own } = synthesizeBoth({ context });
    const [[role = "", found] = []] = ofType(own, "AWS::IAM::Role").filter(([id]) =>
      id.startsWith("TrialJobRole"),
    );
    expect(found?.Properties.ManagedPolicyArns).toEqual(policies);
    const bucket = (name: string) => `arn:aws:s3:::acme-${name}`;
    expect(statementsOfRole(own, role)).toEqual([
      { effect: "Allow", actions: ["s3:ListBucket"], resources: [bucket("images"), bucket("labels")] },
      { effect: "Allow", actions: ["s3:GetObject"], resources: [bucket("images/*"), bucket("labels/*")] },
    ]);
  });
});

describe("the two stacks", () => {
  const variablesOf = (template: Template) =>
    (lambdaOf(template, "api")[1].Properties.Environment as { Variables: Record<string, string> }).Variables;

  test.each([{}, { name: "blue" }, { maxOnDemandVcpus: "8" }])(
    "agree on the names of queues, definition and roles (%o)",
    (context) => {
      const stacks = synthesizeBoth({ context: context as Record<string, string> });
      const variables = variablesOf(stacks.core);
      const queues = [
        variables[environment.gpuJobQueue],
        variables[environment.cpuJobQueue],
        variables[environment.onDemandGpuJobQueue],
        variables[environment.onDemandCpuJobQueue],
      ].filter((queue) => queue !== NO_QUEUE);
      expect(queues).toHaveLength("maxOnDemandVcpus" in context ? 4 : 2);
      const definition = variables[environment.jobDefinition] ?? "";
      expect(names(stacks.compute, "AWS::Batch::JobQueue", "JobQueueName")).toEqual(queues);
      expect(names(stacks.compute, "AWS::Batch::JobDefinition", "JobDefinitionName")).toEqual([definition]);

      const resourcesOf = (action: string) =>
        allStatements(stacks.core)
          .filter(({ actions }) => actions.includes(action))
          .flatMap(({ resources }) => resources);
      const arn = (rest: string) => `arn:aws:batch:eu-west-1:111122223333:${rest}`;
      expect(resourcesOf("batch:SubmitJob")).toEqual(
        expect.arrayContaining(queues.map((queue) => arn(`job-queue/${queue}`))),
      );
      const prefix = resourcesOf("batch:RegisterJobDefinition")[0] ?? "";
      expect(prefix).toMatch(/\*$/);
      expect(arn(`job-definition/${definition}`)).toContain(prefix.slice(0, -1));
      // That of sweeps' schedules is of the core stack itself.
      const passed = new Set(resourcesOf("iam:PassRole").filter((role) => !role.includes("-firing-")));
      expect([...passed].toSorted()).toEqual(
        names(stacks.compute, "AWS::IAM::Role", "RoleName")
          .filter((name) => name !== "undefined")
          .map((name) => `arn:aws:iam::111122223333:role/${name}`)
          .toSorted(),
      );

      const pattern = ofType(stacks.core, "AWS::Events::Rule")[0]?.[1].Properties.EventPattern as {
        detail: { jobQueue: unknown[] };
      };
      expect(pattern.detail.jobQueue.map(flat)).toEqual(queues.map((queue) => arn(`job-queue/${queue}`)));
      const machine = ofType(stacks.core, "AWS::StepFunctions::StateMachine")[0]?.[1].Properties
        .StateMachineName;
      expect(flat(variables[environment.halving])).toBe(
        `arn:aws:states:eu-west-1:111122223333:stateMachine:${flat(machine)}`,
      );
    },
  );

  test("of a second deployment have no fixed name in common with the first", () => {
    const fixed = /(JobQueueName|JobDefinitionName|RoleName|StateMachineName|LogGroupName)$/;
    const namesOf = ({ Resources }: Template) =>
      Object.values(Resources).flatMap(({ Properties }) =>
        Object.entries(Properties ?? {})
          .filter(([key]) => fixed.test(key))
          .map(([, value]) => flat(value))
          // A reference is a name that CloudFormation generates.
          .filter((name) => !name.startsWith("<")),
      );
    const second = synthesize({ context: { name: "blue" } });
    expect(second.stacks).toEqual(["HoneCompute-blue", "HoneCore-blue"]);
    const taken = [...namesOf(core), ...namesOf(compute)];
    expect(taken.length).toBeGreaterThan(6);
    for (const name of [...namesOf(second.core), ...namesOf(second.compute as Template)]) {
      expect(taken).not.toContain(name);
    }
  });
});
