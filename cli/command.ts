import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

/** The output of a command: `text` for people, `json` for programs (with `--json`). */
export interface Output {
  readonly json: unknown;
  readonly text: string;
}

type Values<O extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: O }>>["values"];

interface Definition<O extends ParseArgsOptionsConfig> {
  readonly summary: string;
  /** Names of the arguments, all required. */
  readonly args: readonly string[];
  /** As for `parseArgs`; `description` is shown by `--help`. */
  readonly options: O;
  readonly describe: Readonly<Record<keyof O, string>>;
  readonly run: (args: readonly string[], options: Values<O>) => Promise<Output>;
}

/** A command without the types of its options, so that all commands fit one table. */
export interface Command {
  readonly summary: string;
  /** As in `--help`, without the command's own name. */
  readonly usage: string;
  readonly run: (argv: readonly string[]) => Promise<Output>;
}

/** The command line was not understood. */
export class UsageError extends Error {}

/** An error that its message explains; it is shown without a stack trace. */
export class CommandError extends Error {
  /** Printed with `--json` instead of the message. */
  readonly json: unknown;
  constructor(message: string, json: unknown = { error: message }) {
    super(message);
    this.json = json;
  }
}

/** Options of every command. */
const common = { json: { type: "boolean" } } as const;

export const command = <const O extends ParseArgsOptionsConfig>(definition: Definition<O>): Command => ({
  summary: definition.summary,
  usage: [
    ...definition.args.map((name) => `<${name}>`),
    ...Object.keys(definition.options).map((name) => `[--${name}]`),
    "[--json]",
    ...Object.entries(definition.describe).map(([name, text]) => `\n  --${name.padEnd(10)} ${text}`),
  ].join(" "),
  run: async (argv) => {
    const { positionals, values: all } = parse([...argv], { ...common, ...definition.options });
    const { json: _json, ...values } = all;
    if (positionals.length !== definition.args.length) {
      throw new UsageError(
        `Expected ${definition.args.map((name) => `<${name}>`).join(" ") || "no argument"}.`,
      );
    }
    return definition.run(positionals, values as Values<O>);
  },
});

const parse = (args: string[], options: ParseArgsOptionsConfig) => {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};
