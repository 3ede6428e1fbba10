import {
  type HistoryEvent,
  paginateGetExecutionHistory,
  paginateListExecutions,
  type SFNClient,
} from "@aws-sdk/client-sfn";
import { bytesOf, type ExecutionNote, size } from "./note.ts";

/**
 * What passed through the states of every execution of a machine, from the histories that the emulator keeps.
 * @param stateMachineArn of a machine, or of a Distributed Map in it, whose label follows the machine's name.
 */
export const noteExecutions = async (
  client: SFNClient,
  stateMachineArn: string,
): Promise<ExecutionNote[]> => {
  const notes: ExecutionNote[] = [];
  for await (const { executions = [] } of paginateListExecutions({ client }, { stateMachineArn })) {
    for (const { executionArn, name = "" } of executions) {
      const events: HistoryEvent[] = [];
      for await (const page of paginateGetExecutionHistory({ client, pageSize: 1000 }, { executionArn })) {
        events.push(...(page.events ?? []));
      }
      const payloads = events
        .flatMap(payloadsOf)
        .map((text) => size("Step Functions payload", bytesOf(text)));
      const messages = events
        .flatMap(messagesOf)
        .map((message) => size("our dispatch message", bytesOf(JSON.stringify(message))));
      const history = size("Step Functions history", events.length);
      notes.push({ kind: "execution", name, sizes: [...payloads, ...messages, history] });
    }
  }
  return notes;
};

/** Inputs, outputs and parameters, wherever an event's details hold them. */
const payloadsOf = (event: HistoryEvent): string[] =>
  Object.values(event).flatMap((details: unknown) =>
    typeof details === "object" && details !== null && !(details instanceof Date)
      ? Object.entries(details).flatMap(([key, value]) =>
          /^(input|output|parameters)$/.test(key) && typeof value === "string" ? [value] : [],
        )
      : [],
  );

/** What the machine itself sends to the dispatch queue. */
const messagesOf = ({ taskScheduledEventDetails: task }: HistoryEvent): unknown[] => {
  const { MessageBody } = JSON.parse(task?.parameters ?? "{}") as { MessageBody?: unknown };
  return MessageBody === undefined ? [] : [MessageBody];
};
