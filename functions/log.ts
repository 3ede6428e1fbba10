/** The one way to write a log line: JSON, which CloudWatch reads. Never parameters, metrics, headers or tokens. */
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

const write = (level: "INFO" | "ERROR", event: string, fields: Fields) =>
  console.log(JSON.stringify({ level, timestamp: new Date().toISOString(), event, ...fields }));

export const logInfo = (event: string, fields: Fields): void => write("INFO", event, fields);

/** A fault of ours, whole: it is never told to the caller. */
export const logError = (event: string, error: unknown, fields: Fields = {}): void =>
  write("ERROR", event, { ...fields, error: describe(error) });

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${describe(error.cause)}`;
  return `${error.stack ?? `${error.name}: ${error.message}`}${cause}`;
};
