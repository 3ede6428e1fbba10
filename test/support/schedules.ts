import { SCHEDULED_TIME } from "../../shared/patterns.ts";
import type { FiringSchedule, Schedules } from "../../shared/ports.ts";
import type { FiringMessage } from "../../shared/schemas/message.ts";

/** EventBridge Scheduler in memory: schedules by their sweep. They fire when a test says so. */
export class FakeSchedules implements Schedules {
  readonly all = new Map<string, FiringSchedule>();
  puts = 0;
  /** What the next calls meet instead. */
  fault: Error | null = null;

  async put(schedule: FiringSchedule): Promise<void> {
    if (this.fault !== null) throw this.fault;
    this.puts++;
    this.all.set(schedule.sweep, schedule);
  }

  async remove(sweep: string): Promise<void> {
    if (this.fault !== null) throw this.fault;
    this.all.delete(sweep);
  }

  /** What the schedule of a sweep sends at a time. @param named whether the time is put in, as emulators do not. */
  message(sweep: string, at: number, named = true): FiringMessage {
    const schedule = this.all.get(sweep);
    if (schedule === undefined) throw new Error(`${sweep} has no schedule.`);
    const scheduled = named ? new Date(at).toISOString().replace(".000Z", "Z") : SCHEDULED_TIME;
    return { version: 1, sweep, revision: schedule.revision, scheduled };
  }
}
