import * as z from "zod";
import { Id } from "../values.ts";

export const DeleteTeamBody = z.strictObject({
  confirm: Id.meta({ description: "The team's name once more: nothing of it can be brought back." }),
});
