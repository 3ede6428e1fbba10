/** An error of DynamoDB's own, as the SDK reads it from a response. */
export class TableError extends Error {
  readonly type: string;
  /** Fields of the response beside the type and the message. */
  readonly fields: Readonly<Record<string, unknown>>;
  constructor(type: string, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.type = type;
    this.fields = fields;
  }
}

export const invalid = (message: string) => new TableError("ValidationException", message);

/** DynamoDB may know it, this table does not: a defect of the test, which the service must not take for a refusal. */
export class NotImplemented extends Error {
  constructor(what: string) {
    super(`The in-process table does not implement ${what}.`);
  }
}
