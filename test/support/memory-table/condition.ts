import { NotImplemented } from "./errors.ts";
import type { Placeholders } from "./placeholders.ts";
import type { TokenReader } from "./tokens.ts";
import { type Attributes, beginsWith, compareValues, equalValues, typeOf, type Value } from "./value.ts";

/** Conditions: what is parsed is checked as DynamoDB checks it, and then evaluated on an item. */
type Operand = { readonly path: string } | { readonly value: Value };
type Comparator = "=" | "<>" | "<" | "<=" | ">" | ">=";

export type ConditionTree =
  | { readonly kind: "and" | "or"; readonly parts: readonly [ConditionTree, ConditionTree] }
  | { readonly kind: "not" | "parentheses"; readonly part: ConditionTree }
  | { readonly kind: "compare"; readonly by: Comparator; readonly left: Operand; readonly right: Operand }
  | { readonly kind: "between"; readonly operand: Operand; readonly low: Operand; readonly high: Operand }
  | { readonly kind: "exists"; readonly path: string; readonly is: boolean }
  | { readonly kind: "begins"; readonly operand: Operand; readonly prefix: Operand };

const COMPARATORS: readonly string[] = ["=", "<>", "<", "<=", ">", ">="];
const isComparator = (text: string): text is Comparator => COMPARATORS.includes(text);

/** @param field of the request, for messages. */
export const parseCondition = (field: string, text: string, placeholders: Placeholders): ConditionTree => {
  const parser = new ConditionParser(placeholders.reader(field, text), placeholders);
  return parser.parse();
};

class ConditionParser {
  readonly #reader: TokenReader;
  readonly #placeholders: Placeholders;

  constructor(reader: TokenReader, placeholders: Placeholders) {
    this.#reader = reader;
    this.#placeholders = placeholders;
  }

  parse(): ConditionTree {
    const tree = this.#or();
    this.#reader.expectEnd();
    return tree;
  }

  #or(): ConditionTree {
    let tree = this.#and();
    while (this.#reader.takeKeyword("OR")) tree = { kind: "or", parts: [tree, this.#and()] };
    return tree;
  }

  #and(): ConditionTree {
    let tree = this.#not();
    while (this.#reader.takeKeyword("AND")) tree = { kind: "and", parts: [tree, this.#not()] };
    return tree;
  }

  #not(): ConditionTree {
    if (this.#reader.takeKeyword("NOT")) return { kind: "not", part: this.#not() };
    return this.#primary();
  }

  #primary(): ConditionTree {
    const reader = this.#reader;
    if (reader.takeSign("(")) {
      const part = this.#or();
      reader.expectSign(")");
      if (part.kind === "parentheses") throw reader.fail("The expression has redundant parentheses;");
      return { kind: "parentheses", part };
    }
    if (reader.peek().kind === "name" && reader.peek(1).text === "(") return this.#function();
    const left = this.#operand();
    if (reader.takeKeyword("BETWEEN")) {
      const low = this.#operand();
      if (!reader.takeKeyword("AND")) throw reader.unexpected();
      return this.#between(left, low, this.#operand());
    }
    if (reader.isKeyword("IN")) throw new NotImplemented("IN");
    const by = reader.peek().text;
    if (!isComparator(by)) throw reader.unexpected();
    reader.take();
    const right = this.#operand();
    this.#expectDistinct(by, left, right);
    if (by !== "=" && by !== "<>") for (const operand of [left, right]) this.#expectOrdered(by, operand);
    return { kind: "compare", by, left, right };
  }

  #between(operand: Operand, low: Operand, high: Operand): ConditionTree {
    for (const each of [operand, low, high]) this.#expectOrdered("BETWEEN", each);
    if ("value" in low && "value" in high) {
      const order = compareValues(low.value, high.value);
      if (order === null) {
        throw this.#reader.fail(
          "The BETWEEN operator requires same data type for lower and upper bounds; operands differ",
        );
      }
      if (order > 0) {
        throw this.#reader.fail(
          "The BETWEEN operator requires upper bound to be greater than or equal to lower bound",
        );
      }
    }
    return { kind: "between", operand, low, high };
  }

  #function(): ConditionTree {
    const reader = this.#reader;
    const name = reader.take().text;
    reader.expectSign("(");
    const operands: Operand[] = [];
    do operands.push(this.#operand());
    while (reader.takeSign(","));
    reader.expectSign(")");
    if (isComparator(reader.peek().text)) {
      throw reader.fail(
        `The function is not allowed to be used this way in an expression; function: ${name}`,
      );
    }
    const [first, second] = operands;
    if (name === "attribute_exists" || name === "attribute_not_exists") {
      this.#expectCount(name, operands, 1);
      if (first === undefined || "value" in first) {
        throw reader.fail(`Operator or function requires a document path; operator or function: ${name}`);
      }
      return { kind: "exists", path: first.path, is: name === "attribute_exists" };
    }
    if (name === "begins_with") {
      this.#expectCount(name, operands, 2);
      if (first === undefined || second === undefined) throw reader.unexpected();
      for (const operand of operands) {
        if ("value" in operand && typeOf(operand.value) !== "S" && typeOf(operand.value) !== "B") {
          throw this.#wrongType(name, operand.value);
        }
      }
      this.#expectDistinct(name, first, second);
      return { kind: "begins", operand: first, prefix: second };
    }
    if (["contains", "attribute_type", "size"].includes(name)) throw new NotImplemented(name);
    throw reader.fail(`Invalid function name; function: ${name}`);
  }

  #operand(): Operand {
    return this.#reader.peek().kind === ":value"
      ? { value: this.#placeholders.value(this.#reader) }
      : { path: this.#placeholders.path(this.#reader) };
  }

  #expectCount(name: string, operands: readonly Operand[], count: number): void {
    if (operands.length === count) return;
    throw this.#reader.fail(
      `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${operands.length}`,
    );
  }

  #expectDistinct(operator: string, left: Operand, right: Operand): void {
    if (!("path" in left && "path" in right && left.path === right.path)) return;
    throw this.#reader.fail(
      `The first operand must be distinct from the remaining operands for this operator or function; operator: ${operator}, first operand: [${left.path}]`,
    );
  }

  #expectOrdered(operator: string, operand: Operand): void {
    if ("path" in operand || ["S", "N", "B"].includes(typeOf(operand.value))) return;
    throw this.#wrongType(operator, operand.value);
  }

  #wrongType(operator: string, value: Value): Error {
    return this.#reader.fail(
      `Incorrect operand type for operator or function; operator or function: ${operator}, operand type: ${typeOf(value)}`,
    );
  }
}

/** Whether a condition holds. @param item null when there is none. */
export const holds = (tree: ConditionTree, item: Attributes | null): boolean => {
  const find = (operand: Operand): Value | undefined =>
    "value" in operand ? operand.value : item?.[operand.path];
  switch (tree.kind) {
    case "and":
      return tree.parts.every((part) => holds(part, item));
    case "or":
      return tree.parts.some((part) => holds(part, item));
    case "not":
      return !holds(tree.part, item);
    case "parentheses":
      return holds(tree.part, item);
    case "exists":
      return (item?.[tree.path] !== undefined) === tree.is;
    case "begins": {
      const value = find(tree.operand);
      const prefix = find(tree.prefix);
      return value !== undefined && prefix !== undefined && beginsWith(value, prefix);
    }
    case "between":
      return (
        compare(find(tree.operand), ">=", find(tree.low)) &&
        compare(find(tree.operand), "<=", find(tree.high))
      );
    case "compare":
      return compare(find(tree.left), tree.by, find(tree.right));
  }
};

/** An attribute that is missing, or of another type, differs from everything and has no place in an order. */
const compare = (left: Value | undefined, by: Comparator, right: Value | undefined): boolean => {
  if (left === undefined || right === undefined) return by === "<>";
  if (by === "=") return equalValues(left, right);
  if (by === "<>") return !equalValues(left, right);
  const order = compareValues(left, right);
  if (order === null) return false;
  if (by === "<") return order < 0;
  if (by === "<=") return order <= 0;
  return by === ">" ? order > 0 : order >= 0;
};
