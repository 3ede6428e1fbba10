/** Fields of a log line, which is JSON. Never log parameters, metrics, headers or tokens. */
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

const write = (level: "INFO" | "ERROR", event: string, fields: Fields) =>
  console.log(JSON.stringify({ level, timestamp: new Date().toISOString(), event, ...fields }));

export const logInfo = (event: string, fields: Fields): void => write("INFO", event, fields);

/** Logs an internal error with its stack and causes, which the caller never sees. */
export const logError = (event: string, error: unknown, fields: Fields = {}): void =>
  write("ERROR", event, { ...fields, error: describe(error) });

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${describe(error.cause)}`;
  return `${error.stack ?? `${error.name}: ${error.message}`}${cause}`;
};
