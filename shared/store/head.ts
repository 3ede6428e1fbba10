import type { Notice } from "../sentences/notices.ts";
import { headKey } from "./keys.ts";
import { type Change, type Condition, ConditionFailed, type Item, type Store, type Update } from "./store.ts";

/**
 * A study's head: all that asks change, and nothing else, so that it stays under a kilobyte and an ask costs two
 * write units for it however large the search space is.
 */
export interface Head {
  readonly study: string;
  /** Raised by every change of what new trials depend on; an ask that makes any commits on the revision that it read. */
  readonly rev: number;
  readonly state: "running" | "paused" | "deleting";
  /** The next trial's number: all smaller ones exist. */
  readonly next: number;
  /** Trials imported as finished, which the budget does not count. */
  readonly imported: number;
  /** Every configuration of a finite space was handed out. */
  readonly exhausted: boolean;
  /** No paused trial will go on, as long as no new ones are started. */
  readonly settled: boolean;
  readonly trials: number;
  readonly parallel: number;
  /** 0 when there is no limit. */
  readonly gpuHours: number;
  readonly dollars: number;
  /** Leases given so far, first and later ones: what keeps asks from giving more than may run at once. */
  readonly grants: number;
  /**
   * Trials from `aheadFrom` to `aheadTo - 1` were proposed for asks that are still to come: each takes the first number, whatever
   * the others do.
   */
  readonly aheadFrom: number;
  readonly aheadTo: number;
  /** Numbers below `aheadMark` had been taken at `aheadMarkAt`, in milliseconds since 1970: how old what was taken is. */
  readonly aheadMark: number;
  readonly aheadMarkAt: number;
  /** How many asks compete, as far as those that lost races could tell: a hint, which may be wrong. */
  readonly crowd: number;
  /** Segments there are: `S#SEG#0` to `S#SEG#<segments - 1>`. */
  readonly segments: number;
  /** The segment whose trials may still lie in the tail too, or -1. */
  readonly unswept: number;
  /** Trials in segments that have ended, by state; those that are paused may go on, so they are not counted here. */
  readonly folded: {
    readonly completed: number;
    readonly pruned: number;
    readonly failed: number;
  };
  /** JSON of where the best folded trial of a single objective is, or "". */
  readonly foldedBest: string;
  /** The revisions of the algorithm and the scheduler that the study began on. */
  readonly algorithmRevision: number;
  readonly schedulerRevision: number;
  /** Batch executor: whether it dispatches, which start it is, and the study's job definition. */
  readonly started: boolean;
  readonly generation: number;
  readonly definition: string;
  /** A job definition that the study no longer uses and that is still to be deregistered, or "". */
  readonly retired: string;
  /** Seconds of finished attempts times GPUs, and times vCPUs. */
  readonly gpuSeconds: number;
  readonly vcpuSeconds: number;
  /** What they cost, in millionths of a dollar, and of how many of them that is known: versions that kept no prices did not add it. */
  readonly micros: number;
  readonly pricedGpuSeconds: number;
  readonly pricedVcpuSeconds: number;
  /** What a person should know, or null. */
  readonly notice: Notice | null;
  /** Why the study's model ended it before its budget was spent, for good; null for any other study. Other notices come and go. */
  readonly ended: NotWorthMore | null;
  /** While it is being deleted: trials below this number have no reports any more. */
  readonly sweptReports: number;
}

export type NotWorthMore = Extract<Notice, { readonly kind: "not-worth-more" }>;

/** The name under which changes of the head fail. */
export const HEAD = "head";

/** The head as stored. Doubles and objects travel as JSON; `message` holds the notice of heads written in words only. */
type HeadFields = Omit<Head, "study" | "folded" | "gpuHours" | "dollars" | "notice" | "ended"> & {
  readonly gpuHours: string;
  readonly dollars: string;
  readonly foldedCompleted: number;
  readonly foldedPruned: number;
  readonly foldedFailed: number;
  readonly notice: string;
  readonly ended?: string;
  readonly message?: string;
};

/** What of a head may change. */
export type HeadPatch = Partial<Omit<Head, "study" | "rev" | "grants">>;

type Revisions = Pick<Head, "algorithmRevision" | "schedulerRevision">;
export type BudgetFields = Pick<Head, "trials" | "parallel" | "gpuHours" | "dollars">;

/** The head of a study that was just created. */
export const firstHead = (study: string, budget: BudgetFields, revisions: Revisions): Head => ({
  ...budget,
  ...revisions,
  study,
  rev: 0,
  state: "running",
  next: 0,
  imported: 0,
  exhausted: false,
  settled: false,
  grants: 0,
  aheadFrom: 0,
  aheadTo: 0,
  aheadMark: 0,
  aheadMarkAt: 0,
  crowd: 0,
  segments: 0,
  unswept: -1,
  folded: { completed: 0, pruned: 0, failed: 0 },
  foldedBest: "",
  started: false,
  generation: 0,
  definition: "",
  retired: "",
  gpuSeconds: 0,
  vcpuSeconds: 0,
  micros: 0,
  pricedGpuSeconds: 0,
  pricedVcpuSeconds: 0,
  notice: null,
  ended: null,
  sweptReports: 0,
});

/** A head that did not exist; fails under the name HEAD. */
export const newHead = ({ study, rev, ...fields }: Head): Change => ({
  name: HEAD,
  key: headKey(study),
  put: { rev, ...written(fields) },
  when: { expression: "attribute_not_exists(pk)" },
});

const written = ({ gpuHours, dollars, folded, notice, ended, ...plain }: HeadPatch): Item => ({
  ...plain,
  ...(gpuHours !== undefined && { gpuHours: String(gpuHours) }),
  ...(dollars !== undefined && { dollars: String(dollars) }),
  ...(folded !== undefined && {
    foldedCompleted: folded.completed,
    foldedPruned: folded.pruned,
    foldedFailed: folded.failed,
  }),
  ...(notice !== undefined && { notice: notice === null ? "" : JSON.stringify(notice), message: "" }),
  ...(ended !== undefined && { ended: ended === null ? "" : JSON.stringify(ended) }),
});

export const readHead = (study: string, item: Item): Head => {
  const fields = item as unknown as HeadFields;
  return {
    study,
    rev: fields.rev,
    state: fields.state,
    next: fields.next,
    imported: fields.imported,
    exhausted: fields.exhausted,
    settled: fields.settled ?? false,
    grants: fields.grants ?? 0,
    aheadFrom: fields.aheadFrom ?? 0,
    aheadTo: fields.aheadTo ?? 0,
    aheadMark: fields.aheadMark ?? 0,
    aheadMarkAt: fields.aheadMarkAt ?? 0,
    crowd: fields.crowd ?? 0,
    trials: fields.trials,
    parallel: fields.parallel,
    gpuHours: Number(fields.gpuHours),
    dollars: Number(fields.dollars),
    segments: fields.segments,
    unswept: fields.unswept,
    folded: {
      completed: fields.foldedCompleted,
      pruned: fields.foldedPruned,
      failed: fields.foldedFailed,
    },
    foldedBest: fields.foldedBest,
    algorithmRevision: fields.algorithmRevision,
    schedulerRevision: fields.schedulerRevision ?? 1,
    started: fields.started,
    generation: fields.generation,
    definition: fields.definition,
    retired: fields.retired ?? "",
    gpuSeconds: fields.gpuSeconds,
    vcpuSeconds: fields.vcpuSeconds,
    micros: fields.micros ?? 0,
    pricedGpuSeconds: fields.pricedGpuSeconds ?? 0,
    pricedVcpuSeconds: fields.pricedVcpuSeconds ?? 0,
    notice: readNotice(fields),
    ended: fields.ended ? (JSON.parse(fields.ended) as NotWorthMore) : null,
    sweptReports: fields.sweptReports ?? 0,
  };
};

const readNotice = ({ notice = "", message = "" }: Partial<HeadFields>): Notice | null => {
  if (notice !== "") return JSON.parse(notice) as Notice;
  return message === "" ? null : { kind: "text", text: message };
};

/** The head of a study, null when there is none. */
export const findHead = async (store: Store, study: string): Promise<Head | null> => {
  const item = await store.get(headKey(study));
  return item === null ? null : readHead(study, item);
};

/** A change of the head, on the revision that was read; fails under the name HEAD when another change came first. */
export const changeHead = (head: Head, patch: HeadPatch): Change & { update: Update } => ({
  name: HEAD,
  key: headKey(head.study),
  update: { set: { ...written(patch), rev: head.rev + 1 } },
  when: { expression: "#rev = :rev", values: { rev: head.rev } },
});

/**
 * The same while nothing was spent since: an attempt that ends leaves the revision, and a Query may show its trial as it is after that beside
 * a head of before. Every job has vCPUs.
 * @param read the head with which the trials were read.
 */
export const changeHeadUnspent = (
  head: Head,
  patch: HeadPatch,
  read: Pick<Head, "vcpuSeconds">,
): Change & { update: Update } => ({
  ...changeHead(head, patch),
  when: {
    expression: "#rev = :rev AND #vcpuSeconds = :vcpuSeconds",
    values: { rev: head.rev, vcpuSeconds: read.vcpuSeconds },
  },
});

/** Leases that an ask gives. */
export interface Grant {
  readonly leases: number;
  /** How many more trials could run when the head was read. */
  readonly room: number;
}

const mostGrants = ({ grants }: Head, { leases, room }: Grant): Condition => ({
  expression: "(attribute_not_exists(#grants) OR #grants <= :grants)",
  values: { grants: grants + room - leases },
});

/**
 * Gives leases on trials that exist. It holds as long as there is room for them beside all leases given since the head was
 * read, so that asks do not get in each other's way; fails under the name HEAD.
 */
export const grantLeases = (head: Head, grant: Grant): Change & { update: Update } => {
  const { expression, values } = mostGrants(head, grant);
  return {
    name: HEAD,
    key: headKey(head.study),
    update: { add: { grants: grant.leases } },
    when: {
      expression: `#state = :state AND #parallel = :parallel AND ${expression}`,
      values: { state: "running", parallel: head.parallel, ...values },
    },
  };
};

/**
 * Takes the first numbers of those that were proposed ahead, with their leases. No ask hinders another here: the table gives each
 * its own numbers. A number that is taken twice because a reply was lost leaves its trial waiting.
 * @returns the numbers; null when there are not so many any more, or no room for them.
 */
export const takeAhead = async (store: Store, head: Head, grant: Grant): Promise<number[] | null> => {
  const given = grantLeases(head, grant);
  const { leases } = grant;
  try {
    const item = await store.update({
      ...given,
      update: { add: { grants: leases, aheadFrom: leases } },
      when: {
        expression: `${given.when?.expression} AND #aheadFrom <= :last`,
        values: { ...given.when?.values, last: head.aheadTo - leases },
      },
    });
    const end = readHead(head.study, item).aheadFrom;
    return Array.from({ length: leases }, (_, i) => end - leases + i);
  } catch (error) {
    if (error instanceof ConditionFailed) return null;
    throw error;
  }
};

/** Notes which numbers have been taken by now, once for each note that was read. */
export const markAhead = (head: Head, now: number): Change & { update: Update } => ({
  name: HEAD,
  key: headKey(head.study),
  update: { set: { aheadMark: head.aheadFrom, aheadMarkAt: now } },
  when: {
    expression:
      "attribute_exists(pk) AND (attribute_not_exists(#aheadMarkAt) OR #aheadMarkAt = :aheadMarkAt)",
    values: { aheadMarkAt: head.aheadMarkAt },
  },
});

/** A change of the head that gives leases too, on the revision that was read and with room for them. */
export const changeHeadGranting = (
  head: Head,
  patch: HeadPatch,
  grant: Grant,
): Change & { update: Update } => {
  const change = changeHead(head, patch);
  const { expression, values } = mostGrants(head, grant);
  return {
    ...change,
    update: { ...change.update, add: { grants: grant.leases } },
    when: { expression: `#rev = :rev AND ${expression}`, values: { rev: head.rev, ...values } },
  };
};

const whileHead = (study: string, when: Condition): Change => ({
  name: HEAD,
  key: headKey(study),
  check: true,
  when,
});

/** Holds while the batch executor dispatches and the study is not paused. */
export const whileDispatching = (study: string): Change =>
  whileHead(study, {
    expression: "#started = :started AND #state = :state",
    values: { started: true, state: "running" },
  });

/** Holds while the study has not been stopped or started again since that start. */
export const whileStarted = ({ study, generation }: Head): Change =>
  whileHead(study, {
    expression: "#started = :started AND #generation = :generation",
    values: { started: true, generation },
  });

/** Holds until somebody asks for the study's deletion. */
export const markDeleting = (study: string): Change & { update: Update } => ({
  name: HEAD,
  key: headKey(study),
  update: { set: { state: "deleting", started: false }, add: { rev: 1 } },
  when: { expression: "attribute_exists(pk) AND #state <> :deleting", values: { deleting: "deleting" } },
});

/** Changes a head whatever others have made of it: what is written holds whatever it was. Fails when the study is gone or being deleted. */
export const overwriteHead = (study: string, patch: HeadPatch): Change & { update: Update } => ({
  name: HEAD,
  key: headKey(study),
  update: { set: written(patch), add: { rev: 1 } },
  when: { expression: "attribute_exists(pk) AND #state <> :deleting", values: { deleting: "deleting" } },
});

/** Leaves a notice on a running study, and pauses it if need be; fails when it is paused or gone. */
export const noteRunning = (study: string, notice: Notice, pause: boolean): Change & { update: Update } => ({
  name: HEAD,
  key: headKey(study),
  update: pause
    ? { set: { ...written({ notice }), state: "paused" }, add: { rev: 1 } }
    : { set: written({ notice }) },
  when: { expression: "#state = :running", values: { running: "running" } },
});

/** Segment k is swept: nothing that it holds is in the tail any more. */
export const markSwept = (study: string, k: number): Change & { update: Update } => ({
  name: HEAD,
  key: headKey(study),
  update: { set: { unswept: -1 } },
  when: { expression: "#unswept = :k", values: { k } },
});

/** The reports of trials below `number` are deleted; fails when another process has come as far, or the head is gone. */
export const markReportsSwept = (study: string, number: number): Change & { update: Update } => ({
  name: HEAD,
  key: headKey(study),
  update: { set: { sweptReports: number } },
  when: {
    expression: "attribute_exists(pk) AND (attribute_not_exists(#sweptReports) OR #sweptReports < :number)",
    values: { number },
  },
});

/** What an attempt has used: seconds times GPUs, and times vCPUs, and what they cost in millionths of a dollar. */
export interface Used {
  readonly gpuSeconds: number;
  readonly vcpuSeconds: number;
  readonly micros: number;
}

/** Adds what an ended attempt has used. It holds no asks up: the revision stays. */
export const spend = (study: string, { gpuSeconds, vcpuSeconds, micros }: Used): Change => ({
  name: "spent",
  key: headKey(study),
  update: {
    add: { gpuSeconds, vcpuSeconds, micros, pricedGpuSeconds: gpuSeconds, pricedVcpuSeconds: vcpuSeconds },
  },
  when: { expression: "attribute_exists(pk)" },
});
