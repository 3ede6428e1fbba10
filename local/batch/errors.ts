/** An error reply in the format of AWS Batch. */
export class BatchError extends Error {
  readonly status: number;
  readonly type: string;
  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

export const clientError = (message: string): BatchError => new BatchError(400, "ClientException", message);
