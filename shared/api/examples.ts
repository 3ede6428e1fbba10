import type { RouteName } from "./routes.ts";

/** Bodies and replies that `openapi.json` shows; a test holds each against its schema. */
export interface Example {
  readonly body?: unknown;
  readonly reply?: unknown;
}

const study = {
  study: "svm-digits-7k2mxa",
  name: "svm-digits",
  team: "acme",
  state: "running",
  created: "2026-11-23T12:00:00.000Z",
  space: {
    C: { type: "float", low: 0.01, high: 1000, scale: "log" },
    gamma: { type: "float", low: 1e-5, high: 1, scale: "log" },
  },
  constraints: [],
  forbidden: [],
  objectives: [{ metric: "accuracy", direction: "maximize" }],
  outcomes: [],
  algorithm: { name: "auto", seed: 1 },
  scheduler: { name: "none" },
  budget: { trials: 40, parallel: 4 },
  lease: { seconds: 300, maxAttempts: 3 },
  repeats: { attempts: 1, failed: 0, completed: 0 },
  executor: { type: "client" },
  trials: { queued: 0, running: 1, paused: 0, completed: 1, pruned: 0, failed: 0 },
  best: [{ number: 0, params: { C: 1.5, gamma: 0.02 }, values: { accuracy: 0.97 } }],
  started: false,
  spent: { gpuHours: 0, vcpuHours: 0 },
  message: null,
};

const teamBudget = {
  month: "2026-11",
  limits: { gpuHours: 800, dollars: 500 },
  spent: { trials: 212, gpuHours: 171.5, vcpuHours: 343, dollars: 92.61 },
  reserved: { gpuHours: 16, dollars: 8.64 },
};

const params = { C: 1.5, gamma: 0.02 };

const firing = {
  firing: "2026-11-27T02:00:00.000Z",
  manual: false,
  outcome: "created",
  reason: null,
  at: "2026-11-27T02:00:12.000Z",
  study: "nightly-8m2kqa-20261127-020000",
  state: "finished",
  trials: { queued: 0, running: 0, paused: 0, completed: 40, pruned: 0, failed: 0 },
  best: { number: 31, values: { accuracy: 0.97 } },
};

const template = {
  name: "svm-digits",
  space: study.space,
  objectives: study.objectives,
  budget: { trials: 40 },
};

const sweep = {
  sweep: "nightly-8m2kqa",
  name: "nightly",
  state: "active",
  created: "2026-11-23T12:00:00.000Z",
  schedule: { cron: "0 3 * * ? *", timezone: "Europe/Berlin" },
  overlap: "skip",
  next: "2026-11-28T02:00:00.000Z",
  firings: { count: 4, last: firing },
  message: null,
};

const wholeSweep = { ...sweep, template, warmStart: { last: 3 }, keep: 30 };

const token = {
  id: "k3v7qmz2hd5a",
  name: "nightly",
  role: "worker",
  member: null,
  study: null,
  created: "2026-11-23T12:00:00.000Z",
  expires: "2027-02-21T12:00:00.000Z",
  formerExpires: null,
  lastUsed: "2026-11-24T08:10:00.000Z",
};

const member = {
  name: "ann",
  role: "editor",
  created: "2026-11-23T12:00:00.000Z",
  createdBy: "k3v7qmz2hd5a",
  state: "active",
} as const;

const grant = {
  grant: "5d41402abc4b2a76b9719d91",
  principal: { member: "ann" },
  study: "svm-digits-7k2m",
  role: "editor",
  created: "2026-11-23T12:00:00.000Z",
  createdBy: "k3v7qmz2hd5a",
} as const;

const lease = {
  decision: "continue",
  reason: "no scheduler: every trial runs to its end",
  leaseExpires: "2026-11-23T12:05:00.000Z",
  reportAt: null,
};

const upload = {
  checkpoint: "hone:1-1763899200000-9f86d081884c7d65",
  method: "PUT",
  url: "https://hone-checkpoints.s3.eu-central-1.amazonaws.com/checkpoints/acme/svm-digits-7k2mxa/1/...",
  maxBytes: 5_368_709_120,
  expires: "2026-11-23T13:00:00.000Z",
};

const auditLine = {
  time: "2026-11-23T12:00:00.000Z",
  who: { kind: "token", id: token.id },
  route: "patchStudy",
  targets: ["study/svm-digits-7k2mxa"],
  fields: ["budget.trials=80"],
  requestId: "JKJaXmPLvHcESHA=",
  address: "203.0.113.7",
};

export const examples: Readonly<Partial<Record<RouteName, Example>>> = {
  createStudy: {
    body: {
      name: study.name,
      space: study.space,
      objectives: study.objectives,
      algorithm: study.algorithm,
      budget: study.budget,
    },
    reply: study,
  },
  getStudy: { reply: study },
  patchStudy: { body: { budget: { trials: 80 } }, reply: { ...study, budget: { trials: 80, parallel: 4 } } },
  ask: {
    body: { count: 4, worker: "w1" },
    reply: {
      trials: [
        {
          number: 1,
          attempt: 1,
          params,
          resource: null,
          reportAt: null,
          checkpoint: null,
          leaseExpires: "2026-11-23T12:05:00.000Z",
          algorithm: "sobol",
          why: "initial design",
        },
      ],
      state: "running",
      retryAfter: null,
    },
  },
  report: { body: { attempt: 1, step: 3, values: { accuracy: 0.91 } }, reply: lease },
  heartbeat: { body: { attempt: 1 }, reply: { ...lease, reason: "the lease was extended" } },
  checkpoint: { body: { attempt: 1 }, reply: { upload, download: null } },
  tell: { body: { attempt: 1, values: { accuracy: 0.97 } }, reply: { number: 1, state: "completed" } },
  claim: {
    body: { attempt: 1, jobId: "3c4f0a5e-1b7d-4f0e-9d0c-0f6f6f1f2a3b", claimant: "9b1deb4d3b7d4bad9bdd2b0d" },
  },
  addTrials: {
    body: { trials: [{ params }, { params: { C: 10, gamma: 0.001 }, values: { accuracy: 0.95 } }] },
    reply: {
      trials: [
        { number: 2, state: "queued" },
        { number: 3, state: "completed" },
      ],
    },
  },
  best: { reply: { trials: study.best } },
  lineage: {
    reply: {
      trials: [
        { number: 3, from: 0, to: 5, params: { lr: 0.1 }, values: { accuracy: 0.81 } },
        { number: 9, from: 5, to: 10, params: { lr: 0.08 }, values: { accuracy: 0.93 } },
      ],
    },
  },
  stop: { body: { drain: true } },
  createSweep: {
    body: {
      name: sweep.name,
      schedule: sweep.schedule,
      overlap: sweep.overlap,
      template,
      warmStart: { last: 3 },
      keep: 30,
    },
    reply: { ...wholeSweep, firings: { count: 0, last: null } },
  },
  listSweeps: { reply: { sweeps: [sweep], cursor: null } },
  getSweep: { reply: wholeSweep },
  patchSweep: { body: { state: "paused" }, reply: { ...wholeSweep, state: "paused", next: null } },
  runSweep: { reply: { ...firing, manual: true } },
  listFirings: { reply: { firings: [firing], cursor: null } },
  getBudget: { reply: teamBudget },
  patchBudget: { body: { dollars: 500, trials: null }, reply: teamBudget },
  createCredentials: {
    body: { seconds: 900, role: "worker" },
    reply: {
      id: "k3v7qmz2hd5a",
      accessKeyId: "ASIA...",
      secretAccessKey: "...",
      sessionToken: "...",
      expires: "2026-11-23T12:15:00.000Z",
      role: "worker",
      region: "us-east-1",
      api: "https://abcdef1234.execute-api.us-east-1.amazonaws.com/iam/v1",
      bucket: "honecore-bucket-1a2b3c",
      prefix: "checkpoints/acme/svm-digits-7k2m9q/",
    },
  },
  createToken: {
    body: { name: "nightly", role: "worker", days: 90 },
    reply: { ...token, token: "hone_k3v7qmz2hd5a_..." },
  },
  getTeam: { reply: { team: "acme", created: "2026-11-23T12:00:00.000Z", studies: 12, owners: 1 } },
  deleteTeam: { body: { confirm: "acme" } },
  rotateToken: {
    body: { formerHours: 24 },
    reply: { ...token, formerExpires: "2026-11-25T08:00:00.000Z", token: "hone_k3v7qmz2hd5a_..." },
  },
  putMember: { body: { name: "ann", role: "editor" }, reply: member },
  listMembers: { reply: { members: [member], cursor: null } },
  createGrant: {
    body: { principal: { member: "ann" }, study: "svm-digits-7k2m", role: "editor" },
    reply: grant,
  },
  listGrants: { reply: { grants: [grant], cursor: null } },
  listAudit: { reply: { lines: [auditLine], cursor: null } },
  exportAudit: {
    body: { month: "2026-11" },
    reply: {
      key: "audit/acme/2026-11/newest.jsonl",
      url: "https://hone-checkpoints.s3.eu-central-1.amazonaws.com/audit/acme/2026-11/newest.jsonl?...",
      expires: "2026-11-23T13:00:00.000Z",
      lines: 1,
      cursor: null,
    },
  },
  listTokens: { reply: { tokens: [token], cursor: null } },
};
