import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { alarmedEvents, environment, NO_QUEUE, outputs } from "../shared/deployment.ts";
import type { Bundles, LambdaName } from "./bundles.ts";
import type { Config } from "./config.ts";
import { Alarms } from "./constructs/alarms.ts";
import { Bucket } from "./constructs/bucket.ts";
import { DeadLetterQueue } from "./constructs/dead-letter-queue.ts";
import { HttpApi } from "./constructs/http-api.ts";
import { JobEvents } from "./constructs/job-events.ts";
import { Lambda } from "./constructs/lambda.ts";
import { Recurring } from "./constructs/recurring.ts";
import { StateMachine, type StateMachineProps } from "./constructs/state-machine.ts";
import { SweepSchedules } from "./constructs/sweep-schedules.ts";
import { Table } from "./constructs/table.ts";
import { WorkQueue } from "./constructs/work-queue.ts";
import { foldStatements, inPartsStatements, parentStatements } from "./machine-permissions.ts";
import { brackets } from "./machines/brackets.ts";
import { fold } from "./machines/fold.ts";
import { folds } from "./machines/folds.ts";
import { generations } from "./machines/generations.ts";
import { halving } from "./machines/halving.ts";
import {
  firingRoleName,
  functionArn,
  jobQueueArn,
  jobQueuesOf,
  machineArn,
  type Names,
  roleArn,
  scheduleGroupArn,
} from "./names.ts";
import { statementsOf } from "./permissions.ts";
import { SessionsRole } from "./teams/sessions-role.ts";
import { teamRoleId } from "./teams/team-account.ts";
import { TeamRole } from "./teams/team-role.ts";

export interface CoreStackProps extends StackProps {
  readonly config: Config;
  readonly names: Names;
  readonly bundles: Bundles;
}

/** The size of each Lambda. 1,769 MiB is one vCPU; below that, CPU-bound work costs the same at any size. */
const sizes = {
  // Below the API's 30 s, so that a slow request gets our own reply and not a bare 503.
  api: { memoryMiB: 1769, timeout: Duration.seconds(25) },
  authorizer: { memoryMiB: 512, timeout: Duration.seconds(8) },
  dispatcher: { memoryMiB: 512, timeout: Duration.seconds(30) },
  events: { memoryMiB: 1024, timeout: Duration.seconds(30) },
  reconciler: { memoryMiB: 1024, timeout: Duration.minutes(4) },
  rounds: { memoryMiB: 1024, timeout: Duration.seconds(55) },
  // Below `SETTLED_MS`: after that nobody is left who read a sweep before its deletion.
  sweep: { memoryMiB: 1024, timeout: Duration.seconds(50) },
} as const satisfies Record<LambdaName, { memoryMiB: number; timeout: Duration }>;

/** Everything except the instances that run trials. Costs almost nothing while idle. */
export class CoreStack extends Stack {
  constructor(scope: Construct, id: string, { config, names, bundles, ...props }: CoreStackProps) {
    super(scope, id, props);
    const { logRetention } = config;
    const removalPolicy = RemovalPolicy.DESTROY; // of logs; table and bucket have their own

    const { table } = new Table(this, "Table", config);
    const { bucket } = new Bucket(this, "Bucket", config);
    const work = new WorkQueue(this, "Dispatch", { timeout: sizes.dispatcher.timeout });
    const failedFirings = new DeadLetterQueue(this, "FailedFirings");
    const api = new HttpApi(this, "HttpApi", { ...config, removalPolicy });

    const onDemand = config.maxOnDemandVcpus !== null;
    const variables = {
      [environment.table]: table.tableName,
      [environment.queue]: work.queue.queueUrl,
      [environment.api]: config.apiUrl ?? api.url,
      [environment.gpuJobQueue]: names.jobQueues.spot.gpu,
      [environment.cpuJobQueue]: names.jobQueues.spot.cpu,
      [environment.onDemandGpuJobQueue]: onDemand ? names.jobQueues["on-demand"].gpu : NO_QUEUE,
      [environment.onDemandCpuJobQueue]: onDemand ? names.jobQueues["on-demand"].cpu : NO_QUEUE,
      [environment.teamRate]: String(config.teamRate),
      [environment.prices]: config.prices ?? "{}",
      [environment.jobDefinition]: names.jobDefinition,
      [environment.images]: images(this, config),
      [environment.brackets]: machineArn(this, names.brackets),
      [environment.halving]: machineArn(this, names.halving),
      [environment.folds]: machineArn(this, names.folds),
      [environment.fold]: machineArn(this, names.fold),
      [environment.generations]: machineArn(this, names.generations),
      [environment.auditDays]: String(config.auditDays),
      [environment.sweepFunction]: functionArn(this, names.sweepFunction),
      [environment.failedFirings]: failedFirings.queue.queueArn,
      [environment.scheduleGroup]: names.scheduleGroup,
      [environment.firingRole]: roleArn(this, firingRoleName(this, names)),
      [environment.bucket]: bucket.bucketName,
      [environment.bucketUrl]: `https://${bucket.bucketRegionalDomainName}`,
      [environment.stageArn]: api.stageArn,
      [environment.sessionsRole]: roleArn(this, names.sessionsRole),
      [environment.teamRoles]: roleArn(this, names.teamRolePrefix),
      ...(config.batchUrl === null ? {} : { AWS_ENDPOINT_URL_BATCH: config.batchUrl }), // read by the SDK
    };
    const resources = {
      tableArn: table.tableArn,
      bucketArn: bucket.bucketArn,
      queueArn: work.queue.queueArn,
      names,
      onDemand,
      local: config.local,
    };
    const lambda = (name: LambdaName, description: string, failed?: DeadLetterQueue) =>
      new Lambda(this, name, {
        ...sizes[name],
        bundle: bundles[name],
        description,
        environment: name === "authorizer" ? { [environment.table]: table.tableName } : variables,
        statements: statementsOf(this, name, resources),
        logRetention,
        removalPolicy,
        ...(failed && { failed: failed.queue }),
        // Its schedules name it, and it makes them itself.
        ...(name === "sweep" && { functionName: names.sweepFunction }),
        // Without a place of its own the authorizer is refused one when the api Lambda has taken all, and API Gateway says 500.
        ...(name === "authorizer" &&
          config.authorizerConcurrency !== null && { reserved: config.authorizerConcurrency }),
      });

    const authorizer = lambda("authorizer", "Hone: bearer token in, policy out");
    const serving = lambda("api", "Hone: the HTTP API").function;
    api.servedBy(serving, authorizer.function);
    const scopes = { stageArn: api.stageArn, bucketArn: bucket.bucketArn, local: config.local };
    new SessionsRole(this, "sessions", { ...scopes, roleName: names.sessionsRole, maker: serving });
    for (const team of config.teams) {
      new TeamRole(this, teamRoleId(team.team), { ...scopes, rolePrefix: names.teamRolePrefix, ...team });
    }

    const dispatcher = lambda("dispatcher", "Hone: queued attempts become Batch jobs");
    work.drainedBy(dispatcher.function, 4);

    const failedEvents = new DeadLetterQueue(this, "FailedEvents");
    const events = lambda("events", "Hone: handles the ends of Batch jobs", failedEvents);
    new JobEvents(this, "JobEvents", {
      jobQueues: jobQueuesOf(names, onDemand).map((queue) => jobQueueArn(this, queue)),
      sources: config.local ? ["aws.batch", "hone.batch"] : ["aws.batch"],
      handler: events.function,
      failed: failedEvents.queue,
    });

    const failedRuns = new DeadLetterQueue(this, "FailedReconciliations");
    const reconciler = lambda("reconciler", "Hone: repairs studies after lost events", failedRuns);
    new Recurring(this, "Reconcile", {
      description: "Hone: repairs studies after lost events",
      every: config.reconcileEvery,
      handler: reconciler.function,
      failed: failedRuns.queue,
    });

    const sweep = lambda("sweep", "Hone: firings of sweeps become studies", failedFirings);
    new Recurring(this, "AttendSweeps", {
      description: "Hone: does what is left to do of sweeps",
      every: config.reconcileEvery,
      handler: sweep.function,
      failed: failedFirings.queue,
      input: { version: 1, attend: "all" },
    });
    new SweepSchedules(this, "SweepSchedules", {
      groupName: names.scheduleGroup,
      groupArn: scheduleGroupArn(this, names.scheduleGroup),
      roleName: firingRoleName(this, names),
      handler: sweep.function,
      failed: failedFirings.queue,
    });

    const rounds = lambda("rounds", "Hone: the steps of studies in rounds");
    const steps = rounds.function.functionArn;
    const machine = (id: string, props: Pick<StateMachineProps, "name" | "definition" | "statements">) =>
      new StateMachine(this, id, { ...props, logRetention, removalPolicy }).machine;
    const queue = { url: work.queue.queueUrl, arn: work.queue.queueArn };
    const bracket = machine("Halving", {
      name: names.halving,
      definition: halving({ rounds: steps, queue: queue.url }),
      statements: inPartsStatements(this, names.halving, { rounds: steps, queue: queue.arn }),
    });
    const whole = machine("Brackets", {
      name: names.brackets,
      definition: brackets({ rounds: steps, halving: machineArn(this, names.halving) }),
      statements: parentStatements(this, names.halving, steps),
    });

    const outerFold = machine("Fold", {
      name: names.fold,
      definition: fold({ rounds: steps, brackets: machineArn(this, names.brackets), queue: queue.url }),
      statements: foldStatements(this, names, { rounds: steps, queue: queue.arn }),
    });
    const outerFolds = machine("Folds", {
      name: names.folds,
      definition: folds({ rounds: steps, fold: machineArn(this, names.fold) }),
      statements: parentStatements(this, names.fold, steps),
    });

    const population = machine("Generations", {
      name: names.generations,
      definition: generations({ rounds: steps, queue: queue.url }),
      statements: inPartsStatements(this, names.generations, { rounds: steps, queue: queue.arn }),
    });

    const alarms = new Alarms(this, "Alarms", config.alarmEmail);
    alarms.notEmpty("DispatchFailed", work.failed, "Attempts could not be submitted in five tries.");
    alarms.notEmpty("EventsFailed", failedEvents.queue, "Job events could not be handled.");
    alarms.notEmpty("SweepsFailed", failedFirings.queue, "Firings of sweeps could not be handled.");
    alarms.notEmpty("ReconciliationsFailed", failedRuns.queue, "The reconciler failed three times in a row.");
    alarms.fails(
      "DispatcherErrors",
      dispatcher.function,
      3,
      "The dispatcher throws: no trials are submitted.",
    );
    alarms.fails(
      "AuthorizerErrors",
      authorizer.function,
      1,
      "The authorizer throws: requests are answered with 500.",
    );
    alarms.answersErrors("ApiErrors", api.api, 5);
    alarms.reports(
      "RoundsFailed",
      [reconciler, rounds],
      alarmedEvents.roundsFailed,
      1,
      "A state machine gave up; the message of its study says why.",
    );
    alarms.reports(
      "InfraFailures",
      [dispatcher, events, reconciler],
      alarmedEvents.infraFailure,
      1,
      "Trials fail before their program runs: the image, the job queue or the instances.",
    );
    alarms.reports(
      "ReconcileFailures",
      [reconciler, sweep],
      alarmedEvents.reconcileFailed,
      3,
      "Some studies cannot be repaired, or some sweeps be seen to; the log names them.",
    );

    this.#output({
      [outputs.apiUrl]: api.url,
      [outputs.table]: table.tableName,
      [outputs.queue]: work.queue.queueUrl,
      [outputs.deadLetterQueue]: work.failed.queueUrl,
      [outputs.bucket]: bucket.bucketName,
      [outputs.brackets]: whole.stateMachineArn,
      [outputs.halving]: bracket.stateMachineArn,
      [outputs.folds]: outerFolds.stateMachineArn,
      [outputs.fold]: outerFold.stateMachineArn,
      [outputs.generations]: population.stateMachineArn,
    });
  }

  #output(values: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(values)) new CfnOutput(this, key, { value });
  }
}

/** By default studies may use images of the repositories `hone/...` in the account's own registry. */
const images = (stack: Stack, { images: prefixes }: Config): string =>
  prefixes.length > 0
    ? prefixes.join(",")
    : `${stack.account}.dkr.ecr.${stack.region}.${stack.urlSuffix}/hone/`;
