/**
 * Runs a definition in Amazon States Language, as much of it as our machines use, and notes which ways it went: that every state and
 * every edge is visited can so be shown without a cloud. Tasks are played by the caller; waiting takes no time.
 */

interface State {
  readonly Type: "Pass" | "Task" | "Choice" | "Map" | "Succeed" | "Fail";
  readonly QueryLanguage?: string;
  readonly Next?: string;
  readonly Default?: string;
  readonly Choices?: readonly ({ Variable: string; Next: string } & (
    | { BooleanEquals: boolean }
    | { StringEquals: string }
  ))[];
  readonly Resource?: string;
  readonly Parameters?: Json;
  readonly Result?: Json;
  readonly ResultPath?: string | null;
  readonly ResultSelector?: Json;
  readonly ItemsPath?: string;
  readonly Items?: string;
  readonly ItemSelector?: Json;
  readonly ItemProcessor?: Definition;
  readonly MaxConcurrency?: number | string;
  readonly TimeoutSeconds?: number;
  readonly TimeoutSecondsPath?: string;
  readonly Output?: Json;
  readonly Retry?: readonly { ErrorEquals: readonly string[]; MaxAttempts: number }[];
  readonly Catch?: readonly { ErrorEquals: readonly string[]; ResultPath?: string; Next: string }[];
  readonly ErrorPath?: string;
}

export interface Definition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

type Json = unknown;
type Fields = Record<string, Json>;

/** An error with a name of Step Functions. */
export class StatesError extends Error {
  readonly error: string;

  constructor(error: string) {
    super(error);
    this.error = error;
  }
}

/** A task as its player sees it. */
export interface Task {
  readonly state: string;
  readonly resource: string;
  readonly parameters: Fields;
  readonly timeoutSeconds: number;
}

/** How a task fails before it is played. */
export type Fault = (task: Task) => string | undefined;

/** What the machine knows of an execution and of a task. */
export const contextOf = (name: string) => ({ Execution: { Id: `arn:${name}` }, Task: { Token: "TOKEN" } });

export interface Player {
  /** Plays a task. @throws StatesError as the task would fail. */
  readonly play: (task: Task) => Promise<Json>;
  /** Gets every way that was taken, as `waysOf` names them. */
  readonly visit: (way: string) => void;
  /** Hears how many items of a Map are run at once. */
  readonly atOnce?: (state: string, items: number) => void;
}

/** Every way through a definition: from state to state, by a retry, or by a caught error. */
export const waysOf = ({ States }: Definition): string[] =>
  Object.entries(States).flatMap(([name, state]) => [
    ...(state.Next === undefined ? [] : [`${name} -> ${state.Next}`]),
    ...(state.Default === undefined ? [] : [`${name} -> ${state.Default}`]),
    ...(state.Choices ?? []).map(({ Next }) => `${name} -> ${Next}`),
    ...(state.Retry === undefined ? [] : [`${name} again`]),
    ...(state.Catch ?? []).map(({ Next }) => `${name} fails -> ${Next}`),
    ...(state.Next === undefined && state.Default === undefined ? [`${name} ends`] : []),
    ...(state.ItemProcessor === undefined ? [] : waysOf(state.ItemProcessor)),
  ]);

/** Ways of a definition that were not taken, and ways taken that it does not have. */
export const missedWays = (definition: Definition, visited: ReadonlySet<string>): string[] => {
  const ways = new Set(waysOf(definition));
  return [...ways].filter((way) => !visited.has(way)).concat([...visited].filter((way) => !ways.has(way)));
};

/** @returns the output of the execution. @throws StatesError when it fails. */
export const execute = async (
  definition: Definition,
  input: Fields,
  player: Player,
  context: Fields = {},
): Promise<Fields> => {
  let at = definition.StartAt;
  let data = input;
  for (;;) {
    const state = definition.States[at];
    if (state === undefined) throw new Error(`There is no state ${at}.`);
    if (state.Type === "Fail") {
      player.visit(`${at} ends`);
      throw new StatesError(String(pathIn(state.ErrorPath ?? "$", data, context)));
    }
    const step = await run(at, state, data, player, context);
    player.visit(step.way ?? `${at} ends`);
    data = step.data;
    if (step.next === undefined) return data;
    at = step.next;
  }
};

interface Step {
  readonly data: Fields;
  readonly next?: string | undefined;
  readonly way?: string;
}

const run = async (
  name: string,
  state: State,
  data: Fields,
  player: Player,
  context: Fields,
): Promise<Step> => {
  const onwards = (output: Fields, next = state.Next): Step =>
    next === undefined ? { data: output } : { data: output, next, way: `${name} -> ${next}` };
  switch (state.Type) {
    case "Pass":
      return onwards(asFields(state.Result ?? filled(state.Parameters ?? data, data, context)));
    case "Choice": {
      const chosen = state.Choices?.find((choice) => {
        const wanted = "BooleanEquals" in choice ? choice.BooleanEquals : choice.StringEquals;
        return pathIn(choice.Variable, data, context) === wanted;
      });
      return onwards(data, chosen?.Next ?? state.Default);
    }
    case "Task":
    case "Map":
      break;
    default:
      return onwards(data);
  }
  const work = () =>
    state.Type === "Task"
      ? runTask(name, state, data, player, context)
      : runMap(name, state, data, player, context);
  try {
    const result = await retried(name, state, work, player);
    return onwards(outputOf(state, data, result));
  } catch (error) {
    if (!(error instanceof StatesError)) throw error;
    const caught = state.Catch?.find(({ ErrorEquals }) => matches(ErrorEquals, error.error));
    if (caught === undefined) throw error;
    const failure = { Error: error.error, Cause: "planted" };
    const next = caught.ResultPath === undefined ? failure : put(data, caught.ResultPath, failure);
    return { data: next, next: caught.Next, way: `${name} fails -> ${caught.Next}` };
  }
};

const retried = async (
  name: string,
  { Retry = [] }: State,
  work: () => Promise<Json>,
  player: Player,
): Promise<Json> => {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isRetried =
        error instanceof StatesError &&
        Retry.some(
          ({ ErrorEquals, MaxAttempts }) => attempt < MaxAttempts && matches(ErrorEquals, error.error),
        );
      if (!isRetried) throw error;
      player.visit(`${name} again`);
    }
  }
};

const matches = (names: readonly string[], error: string): boolean =>
  names.some(
    (each) =>
      each === "States.ALL" || each === error || (each === "States.TaskFailed" && error !== "States.Timeout"),
  );

const runTask = async (state: string, task: State, data: Fields, player: Player, context: Fields) => {
  const timeout = task.TimeoutSeconds ?? pathIn(task.TimeoutSecondsPath ?? "", data, context);
  if (typeof timeout !== "number" || !(timeout > 0)) throw new Error(`${state} waits for ever.`);
  return player.play({
    state,
    resource: task.Resource ?? "",
    parameters: asFields(filled(task.Parameters ?? data, data, context)),
    timeoutSeconds: timeout,
  });
};

const runMap = async (name: string, state: State, data: Fields, player: Player, context: Fields) => {
  const { ItemProcessor, ItemSelector, MaxConcurrency = 0 } = state;
  const items = (
    state.Items === undefined
      ? pathIn(state.ItemsPath ?? "$", data, context)
      : jsonata(state.Items, data, context)
  ) as Json[];
  const most = Number(
    typeof MaxConcurrency === "string" ? jsonata(MaxConcurrency, data, context) : MaxConcurrency,
  );
  if (ItemProcessor === undefined || most < 1) throw new Error(`${name} has no limit.`);
  const isJsonata = state.QueryLanguage === "JSONata";
  const results: Json[] = [];
  let next = 0;
  let running = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      const inner = { ...context, Map: { Item: { Index: i, Value: items[i] } } };
      const input = (isJsonata ? jsonataIn : filled)(ItemSelector, data, inner);
      player.atOnce?.(name, ++running);
      results[i] = await execute(ItemProcessor, asFields(input), player, inner);
      running--;
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
};

const outputOf = (state: State, data: Fields, result: Json): Fields => {
  if (state.QueryLanguage === "JSONata") return asFields(jsonataIn(state.Output, data, {}));
  const selected =
    state.ResultSelector === undefined ? result : filled(state.ResultSelector, asFields(result), {});
  return state.ResultPath === null ? data : put(data, state.ResultPath ?? "$", selected);
};

const put = (data: Fields, path: string, value: Json): Fields =>
  path === "$" ? asFields(value) : { ...data, [path.slice("$.".length)]: value };

const asFields = (value: Json): Fields => (value ?? {}) as Fields;

/** A template whose fields `name.$` are paths. */
const filled = (template: Json, data: Fields, context: Fields): Json => {
  if (typeof template !== "object" || template === null || Array.isArray(template)) return template;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) =>
      key.endsWith(".$")
        ? [key.slice(0, -2), pathIn(String(value), data, context)]
        : [key, filled(value, data, context)],
    ),
  );
};

/** The value of a path in the data, of one in the context (`$$`), or of `States.Format`. */
const pathIn = (path: string, data: Fields, context: Fields): Json => {
  const [, template, ...args] = /^States\.Format\('([^']*)', (.*)\)$/.exec(path) ?? [];
  if (template !== undefined) {
    const values = (args[0] ?? "").split(", ").map((each) => String(pathIn(each, data, context)));
    return template.replaceAll("{}", () => values.shift() ?? "");
  }
  const [root, names] = path.startsWith("$$") ? [context, path.slice(2)] : [data, path.slice(1)];
  const found = names
    .split(".")
    .filter((name) => name !== "")
    .reduce<Json>((at, name) => asFields(at)[name], root);
  if (found === undefined) throw new Error(`There is nothing at ${path} in ${JSON.stringify(data)}.`);
  return found;
};

/** The value of an expression in JSONata, of those that are paths. */
const jsonata = (expression: string, data: Fields, context: Fields): Json => {
  const [, kind, path] = /^\{% \$states\.(input|context)\.([\w.]+) %\}$/.exec(expression) ?? [];
  if (path === undefined) throw new Error(`${expression} is more than a path.`);
  return kind === "input" ? pathIn(`$.${path}`, data, context) : pathIn(`$$.${path}`, data, context);
};

const jsonataIn = (template: Json, data: Fields, context: Fields): Json =>
  Object.fromEntries(
    Object.entries(asFields(template)).map(([key, value]) => [
      key,
      typeof value === "string" && value.startsWith("{%") ? jsonata(value, data, context) : value,
    ]),
  );
