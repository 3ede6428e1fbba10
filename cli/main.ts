import { DomainError } from "../shared/errors.ts";
import { type Command, CommandError, UsageError } from "./command.ts";

const admin = () => import("./admin.ts");
const grant = () => import("./grant.ts");
const member = () => import("./member.ts");
const study = () => import("./study.ts");
const sweep = () => import("./sweep.ts");
const team = () => import("./team.ts");
const token = () => import("./token.ts");

/** All commands, by name; a command is loaded when it is called, for the service behind `admin` loads longer than `study` runs. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  "admin create-team": async () => (await admin()).createTeam,
  "admin create-token": async () => (await admin()).createToken,
  "study create": async () => (await study()).create,
  "study list": async () => (await study()).list,
  "study show": async () => (await study()).show,
  "study best": async () => (await study()).best,
  "study schedule": async () => (await study()).schedule,
  "study races": async () => (await study()).races,
  "study export": async () => (await study()).exportTrials,
  "study start": async () => (await study()).start,
  "study stop": async () => (await study()).stop,
  "study delete": async () => (await study()).remove,
  "sweep create": async () => (await sweep()).create,
  "sweep list": async () => (await sweep()).list,
  "sweep show": async () => (await sweep()).show,
  "sweep firings": async () => (await sweep()).firings,
  "sweep run": async () => (await sweep()).run,
  "sweep pause": async () => (await sweep()).pause,
  "sweep resume": async () => (await sweep()).resume,
  "sweep delete": async () => (await sweep()).remove,
  audit: async () => (await import("./audit.ts")).audit,
  "team create": async () => (await admin()).createTeam,
  "team show": async () => (await team()).show,
  "team delete": async () => (await team()).remove,
  "team budget": async () => (await import("./budget.ts")).budget,
  "member add": async () => (await member()).add,
  "member list": async () => (await member()).list,
  "member remove": async () => (await member()).remove,
  "grant add": async () => (await grant()).add,
  "grant list": async () => (await grant()).list,
  "grant remove": async () => (await grant()).remove,
  "token create": async () => (await token()).create,
  "token list": async () => (await token()).list,
  "token rotate": async () => (await token()).rotate,
  "token revoke": async () => (await token()).revoke,
  redrive: async () => (await import("./redrive.ts")).redrive,
};

const lines = (): Promise<string[]> =>
  Promise.all(
    Object.entries(commands).map(
      async ([name, load]) => `  hone ${name.padEnd(20)} ${(await load()).summary}`,
    ),
  );

const overview = async (): Promise<string> =>
  [
    "hone: hyperparameter tuning as a service\n",
    ...(await lines()),
    "\nhone <command> --help shows a command's options.",
    "`hone admin`, `hone team create`, which is `hone admin create-team`, and `hone redrive` use your AWS credentials; the other commands HONE_API, HONE_TEAM and HONE_TOKEN, or .hone/local.json.",
  ].join("\n");

/** @returns the exit code: 0 success, 1 failure, 2 wrong usage. */
const main = async (argv: readonly string[]): Promise<number> => {
  const asJson = argv.includes("--json");
  const name = [argv.slice(0, 2).join(" "), argv[0] ?? ""].find((words) => Object.hasOwn(commands, words));
  const load = name === undefined ? undefined : commands[name];
  if (name === undefined || load === undefined) {
    const isHelp = argv.length === 0 || argv[0] === "help" || argv.includes("--help");
    (isHelp ? console.log : console.error)(await overview());
    return isHelp ? 0 : 2;
  }
  const found = await load();
  if (argv.includes("--help")) {
    console.log(`${found.summary}\n\nhone ${name} ${found.usage}`);
    return 0;
  }
  try {
    const { json, text } = await found.run(argv.slice(name.split(" ").length));
    console.log(asJson ? JSON.stringify(json) : text);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\nhone ${name} ${found.usage}`);
      return 2;
    }
    const message = isExpected(error) ? error.message : undefined;
    if (asJson) console.log(JSON.stringify(error instanceof CommandError ? error.json : { error: message }));
    console.error(message ?? error);
    return 1;
  }
};

/** Errors whose message is enough without a stack trace: our own, and those of AWS. */
const isExpected = (error: unknown): error is Error =>
  error instanceof CommandError ||
  error instanceof DomainError ||
  (error instanceof Error &&
    ("$metadata" in error || /Credentials|Region is missing/.test(`${error.name} ${error.message}`)));

process.exitCode = await main(process.argv.slice(2));
