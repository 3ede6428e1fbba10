import { readFileSync } from "node:fs";
import { DomainError } from "../shared/errors.ts";
import { parseStrictJson } from "../shared/strict-json.ts";
import { CommandError } from "./command.ts";

const STDIN = 0;

/** The text of a file; `-` is standard input. @throws CommandError for a file that is missing or not UTF-8. */
export const readText = (file: string): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file === "-" ? STDIN : file));
  } catch (error) {
    throw new CommandError(`${file}: ${error instanceof Error ? error.message : error}`);
  }
};

/**
 * The value of a JSON text, read as strictly as the API reads a body: JSON.parse would keep the last of two equal keys, and
 * round integers.
 * @param file that the text is from. @throws CommandError
 */
export const parseJson = (file: string, text: string): unknown => {
  try {
    return parseStrictJson(text);
  } catch (error) {
    const at = error instanceof DomainError && error.pointer ? `${error.pointer}: ` : "";
    throw new CommandError(`${file}: ${at}${error instanceof Error ? error.message : error}`);
  }
};
