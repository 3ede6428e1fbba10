import { invalid, NotImplemented } from "./errors.ts";
import { MAX_EXPRESSION_BYTES } from "./limits.ts";
import { TokenReader } from "./tokens.ts";
import { type Attributes, bytesOf, readAttributes, type Value } from "./value.ts";

export interface ExpressionInput {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Attributes;
}

/** The placeholders of a request: each must be defined where it is used, and used where it is defined. */
export class Placeholders {
  readonly #names: Readonly<Record<string, string>>;
  readonly #values: Attributes;
  readonly #keys: readonly string[];
  readonly #used = new Set<string>();

  /** @param keys names of attributes that an expression may spell out. */
  constructor(input: ExpressionInput, keys: readonly string[]) {
    const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
    if (names !== undefined && Object.keys(names).length === 0) {
      throw invalid("ExpressionAttributeNames must not be empty");
    }
    if (values !== undefined && Object.keys(values).length === 0) {
      throw invalid("ExpressionAttributeValues must not be empty");
    }
    this.#names = names ?? {};
    this.#values = readAttributes(values ?? {});
    this.#keys = keys;
    for (const name of Object.keys(this.#names)) {
      if (!/^#[A-Za-z0-9_]+$/.test(name)) {
        throw invalid(`ExpressionAttributeNames contains invalid key: Syntax error; key: "${name}"`);
      }
    }
    for (const name of Object.keys(this.#values)) {
      if (!/^:[A-Za-z0-9_]+$/.test(name)) {
        throw invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "${name}"`);
      }
    }
  }

  reader(field: string, text: string): TokenReader {
    if (bytesOf(text) > MAX_EXPRESSION_BYTES) {
      throw invalid(
        `Invalid ${field}: Expression size has exceeded the maximum allowed size; expression size: ${bytesOf(text)}`,
      );
    }
    return new TokenReader(field, text);
  }

  /** The attribute that a path names. */
  path(reader: TokenReader): string {
    const token = reader.peek();
    if (token.kind === "name") {
      // DynamoDB takes most names as they are and refuses several hundred reserved words; Hone writes all with a #.
      if (!this.#keys.includes(token.text)) {
        throw new NotImplemented(`attribute names without a # ("${token.text}")`);
      }
    } else if (token.kind !== "#name") throw reader.unexpected();
    reader.take();
    if (reader.isSign(".") || reader.isSign("[")) throw new NotImplemented("paths into a document");
    if (token.kind === "name") return token.text;
    const name = this.#names[token.text];
    if (name === undefined) {
      throw reader.fail(
        `An expression attribute name used in the document path is not defined; attribute name: ${token.text}`,
      );
    }
    this.#used.add(token.text);
    return name;
  }

  value(reader: TokenReader): Value {
    const token = reader.peek();
    if (token.kind !== ":value") throw reader.unexpected();
    reader.take();
    const value = this.#values[token.text];
    if (value === undefined) {
      throw reader.fail(
        `An expression attribute value used in expression is not defined; attribute value: ${token.text}`,
      );
    }
    this.#used.add(token.text);
    return value;
  }

  /** @throws TableError when one was defined and never used. */
  expectAllUsed(): void {
    const unused = (all: object) => Object.keys(all).filter((name) => !this.#used.has(name));
    for (const [field, all] of [
      ["ExpressionAttributeNames", this.#names],
      ["ExpressionAttributeValues", this.#values],
    ] as const) {
      const names = unused(all);
      if (names.length > 0) {
        throw invalid(`Value provided in ${field} unused in expressions: keys: {${names.join(", ")}}`);
      }
    }
  }
}
