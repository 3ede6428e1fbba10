#!/usr/bin/env node
import { DomainError } from "../shared/errors.ts";
import { createTeam, createToken } from "./admin.ts";
import { type Command, CommandError, UsageError } from "./command.ts";
import { redrive } from "./redrive.ts";
import * as study from "./study.ts";

/** All commands, by name. */
const commands: Readonly<Record<string, Command>> = {
  "admin create-team": createTeam,
  "admin create-token": createToken,
  "study create": study.create,
  "study list": study.list,
  "study show": study.show,
  "study best": study.best,
  "study export": study.exportTrials,
  "study start": study.start,
  "study stop": study.stop,
  "study delete": study.remove,
  redrive,
};

const overview = () =>
  [
    "hone: hyperparameter tuning as a service\n",
    ...Object.entries(commands).map(([name, { summary }]) => `  hone ${name.padEnd(20)} ${summary}`),
    "\nhone <command> --help shows a command's options.",
    "`hone study` uses HONE_API, HONE_TEAM and HONE_TOKEN, or .hone/local.json; the other commands use your AWS credentials.",
  ].join("\n");

/** @returns the exit code: 0 success, 1 failure, 2 wrong usage. */
const main = async (argv: readonly string[]): Promise<number> => {
  const asJson = argv.includes("--json");
  const name = [argv.slice(0, 2).join(" "), argv[0] ?? ""].find((words) => Object.hasOwn(commands, words));
  const found = name === undefined ? undefined : commands[name];
  if (name === undefined || found === undefined) {
    const isHelp = argv.length === 0 || argv[0] === "help" || argv.includes("--help");
    (isHelp ? console.log : console.error)(overview());
    return isHelp ? 0 : 2;
  }
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
