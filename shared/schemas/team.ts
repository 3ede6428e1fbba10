import * as z from "zod";
import { Id, SafeInt, Timestamp } from "../values.ts";

export const Team = z.strictObject({
  team: Id,
  created: Timestamp,
  studies: SafeInt.meta({ description: "How many it has now." }),
  owners: SafeInt.meta({ description: "Members who own it; it may be owned by tokens of no member, too." }),
});

export const DeleteTeamBody = z.strictObject({
  confirm: Id.meta({ description: "The team's name once more: nothing of it can be brought back." }),
});

export type Team = z.infer<typeof Team>;
export type DeleteTeamBody = z.infer<typeof DeleteTeamBody>;
