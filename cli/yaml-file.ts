import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from "yaml";
import { CommandError } from "./command.ts";
import { parseJson, readText } from "./json-file.ts";

/** What a file says, and where. */
export interface Written {
  readonly value: unknown;
  /** A JSON pointer, with the line of what it points at, or of what that would be in. */
  readonly placeOf: (pointer: string) => string;
}

/**
 * Reads a file in YAML 1.2 or JSON; `-` is standard input. What JSON has no form for is refused, as the API refuses it.
 * @throws CommandError naming the line.
 */
export const readYaml = (file: string): Written => {
  const text = readText(file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const placeOf = (pointer: string) => {
    const offset = offsetOf(document, pointer);
    return `${offset === null ? "" : `line ${lineAt(offset)}, `}${pointer || "/"}`;
  };
  if (text.trimStart().startsWith("{")) return { value: parseJson(file, text), placeOf };
  const [wrong] = [...[...document.errors, ...document.warnings].map(inWords), ...unlikeJson(document)];
  if (wrong !== undefined) throw new CommandError(`${file}, line ${lineAt(wrong.offset)}: ${wrong.words}`);
  return { value: document.toJS(), placeOf };
};

/** Where the innermost thing on the way of a pointer begins that the document has. */
const offsetOf = (document: Document, pointer: string): number | null => {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (isMap(node)) {
      const pair = node.items.find((one) => isScalar(one.key) && String(one.key.value) === key);
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else {
      node = isSeq(node) ? node.items[Number(key)] : undefined;
      offset = startOf(node) ?? offset;
    }
  }
  return offset;
};

const startOf = (node: unknown): number | null => (isNode(node) ? (node.range?.[0] ?? null) : null);

interface Wrong {
  readonly offset: number;
  readonly words: string;
}

const inWords = ({ code, message, pos }: YAMLError): Wrong => {
  const offset = pos[0];
  // The commonest mistake here: a cron expression that begins with a star.
  if (code === "BAD_ALIAS" || message.startsWith("Unexpected alias"))
    return { offset, words: "A text that begins with * needs quotes." };
  if (code === "MULTIPLE_DOCS") return { offset, words: "The file goes on after its end, --- or ..." };
  return { offset, words: `${message}.` };
};

/** Values that JSON cannot carry as they are. */
const unlikeJson = (document: Document): Wrong[] => {
  const found: Wrong[] = [];
  visit(document.contents as Node | null, {
    Scalar: (_, scalar) => {
      const words = scalarInWords(scalar);
      if (words !== null) found.push({ offset: startOf(scalar) ?? 0, words });
    },
  });
  return found;
};

const scalarInWords = ({ value, source = "", tag }: Scalar): string | null => {
  if (typeof value === "object" && value !== null) return `The tag ${tag} means nothing here.`;
  if (typeof value !== "number") return null;
  if (!Number.isFinite(value)) return `${source} is no number that JSON has.`;
  return /^[-+]?\d+$/.test(source) && !Number.isSafeInteger(value)
    ? `The integer ${source} would become ${value}. Write it as a text, or as a float (1.5e20).`
    : null;
};
