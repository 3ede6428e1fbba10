import { invalid, NotImplemented } from "./errors.ts";
import type { Placeholders } from "./placeholders.ts";
import type { TokenReader } from "./tokens.ts";
import { type Attributes, addValues, typeNames, typeOf, type Value } from "./value.ts";

/** What an UpdateExpression does, in the order in which it is written. */
export type Action =
  | { readonly kind: "set" | "add"; readonly path: string; readonly value: Value }
  | { readonly kind: "remove"; readonly path: string };

const CLAUSES = ["SET", "ADD", "REMOVE"] as const;

/** @param keys names of the attributes that no update may touch. */
export const parseUpdate = (
  text: string,
  placeholders: Placeholders,
  keys: readonly string[],
): readonly Action[] => {
  const reader = placeholders.reader("UpdateExpression", text);
  const actions: Action[] = [];
  const seen = new Set<string>();
  while (reader.peek().kind !== "end") {
    const clause = CLAUSES.find((each) => reader.isKeyword(each));
    if (reader.isKeyword("DELETE")) throw new NotImplemented("DELETE in an UpdateExpression");
    if (clause === undefined) throw reader.unexpected();
    reader.take();
    if (seen.has(clause)) {
      throw reader.fail(`The "${clause}" section can only be used once in an update expression;`);
    }
    seen.add(clause);
    do actions.push(parseAction(clause, reader, placeholders));
    while (reader.takeSign(","));
  }
  expectDistinct(actions, reader);
  for (const { path } of actions) {
    if (keys.includes(path)) {
      throw invalid(
        `One or more parameter values were invalid: Cannot update attribute ${path}. This attribute is part of the key`,
      );
    }
  }
  return actions;
};

const parseAction = (
  clause: (typeof CLAUSES)[number],
  reader: TokenReader,
  placeholders: Placeholders,
): Action => {
  const path = placeholders.path(reader);
  if (clause === "REMOVE") return { kind: "remove", path };
  if (clause === "SET") {
    reader.expectSign("=");
    if (reader.peek().kind === "name" || reader.peek().kind === "#name") {
      throw new NotImplemented("operands of SET other than values");
    }
    return { kind: "set", path, value: placeholders.value(reader) };
  }
  const value = placeholders.value(reader);
  if (!("N" in value)) {
    throw reader.fail(
      `Incorrect operand type for operator or function; operator: ADD, operand type: ${typeNames[typeOf(value)]}`,
    );
  }
  return { kind: "add", path, value };
};

const expectDistinct = (actions: readonly Action[], reader: TokenReader): void => {
  const seen = new Set<string>();
  for (const { path } of actions) {
    if (seen.has(path)) {
      throw reader.fail(
        `Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [${path}], path two: [${path}]`,
      );
    }
    seen.add(path);
  }
};

/** The item after the update. @throws TableError when a number is added to what is none. */
export const applyUpdate = (actions: readonly Action[], before: Attributes): Attributes => {
  const item: Record<string, Value> = { ...before };
  for (const action of actions) {
    if (action.kind === "remove") delete item[action.path];
    else if (action.kind === "set") item[action.path] = action.value;
    else {
      const old = before[action.path] ?? { N: "0" };
      if (!("N" in old && "N" in action.value)) {
        throw invalid("An operand in the update expression has an incorrect data type");
      }
      item[action.path] = addValues(old, action.value);
    }
  }
  return item;
};
