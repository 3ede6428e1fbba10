import { invalid } from "./errors.ts";

/** The words of an expression, and where one is in them. */
export type TokenKind = "name" | "#name" | ":value" | "sign" | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const TOKEN =
  /\s*(?:(#[A-Za-z0-9_]+)|(:[A-Za-z0-9_]+)|([A-Za-z][A-Za-z0-9_]*|[0-9]+)|(<>|<=|>=|[=<>(),.+[\]-]))/y;
const KINDS = ["#name", ":value", "name", "sign"] as const;
const END: Token = { kind: "end", text: "<EOF>" };

const tokenize = (text: string, fail: (message: string) => Error): Token[] => {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const whole = text.trimEnd();
  while (TOKEN.lastIndex < whole.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(whole);
    if (match === null) throw fail(`Syntax error; token: "${whole.slice(at).trim()[0]}"`);
    KINDS.forEach((kind, i) => {
      const found = match[i + 1];
      if (found !== undefined) tokens.push({ kind, text: found });
    });
  }
  return tokens;
};

export class TokenReader {
  readonly #field: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  /** @param field of the request that has the expression, for messages. */
  constructor(field: string, text: string) {
    this.#field = field;
    if (text.trim() === "") throw this.fail("The expression can not be empty;");
    this.#tokens = tokenize(text, (message) => this.fail(message));
  }

  fail(message: string): Error {
    return invalid(`Invalid ${this.#field}: ${message}`);
  }

  peek(ahead = 0): Token {
    return this.#tokens[this.#next + ahead] ?? END;
  }

  take(): Token {
    const token = this.peek();
    this.#next++;
    return token;
  }

  /** Keywords may be written in any case. */
  isKeyword(word: string): boolean {
    const { kind, text } = this.peek();
    return kind === "name" && text.toUpperCase() === word;
  }

  takeKeyword(word: string): boolean {
    const is = this.isKeyword(word);
    if (is) this.#next++;
    return is;
  }

  isSign(text: string): boolean {
    return this.peek().kind === "sign" && this.peek().text === text;
  }

  takeSign(text: string): boolean {
    const is = this.isSign(text);
    if (is) this.#next++;
    return is;
  }

  expectSign(text: string): void {
    if (!this.takeSign(text)) throw this.unexpected();
  }

  expectEnd(): void {
    if (this.peek().kind !== "end") throw this.unexpected();
  }

  unexpected(): Error {
    return this.fail(`Syntax error; token: "${this.peek().text}"`);
  }
}
