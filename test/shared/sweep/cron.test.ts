import { expect, test } from "vitest";
import { type Cron, parseCron } from "../../../shared/sweep/cron.ts";
import { daysIn } from "../../../shared/sweep/days.ts";

const cronOf = (text: string): Cron => {
  const cron = parseCron(text);
  if ("faults" in cron) throw new Error(JSON.stringify(cron.faults));
  return cron;
};
const faultsOf = (text: string) => {
  const cron = parseCron(text);
  return "faults" in cron ? cron.faults : [];
};
const days = (rule: string, year: number, month: number) => {
  const [ofMonth = "?", ofWeek = "?"] = rule.split(" ");
  return daysIn(cronOf(`0 0 ${ofMonth} * ${ofWeek} *`).days, year, month);
};
const upTo = (last: number, step = 1, first = 0) =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);

test.each([
  ["7", [7]],
  ["*", upTo(59)],
  ["30,0", [0, 30]],
  ["10-13", [10, 11, 12, 13]],
  ["0/15", [0, 15, 30, 45]],
  ["*/20", [0, 20, 40]],
  ["1/10", upTo(59, 10, 1)],
  ["10-30/10", [10, 20, 30]],
  ["10-10", [10]],
  ["0/1", upTo(59)],
  ["0/59", [0, 59]],
  ["0-10/5,5,58", [0, 5, 10, 58]],
  ["007", [7]],
])("the minutes %s are %j", (text, expected) => {
  expect(cronOf(`${text} 0 * * ? *`).minutes).toEqual(expected);
});

test("months have names, in capital letters or not, and years a range of their own", () => {
  expect(cronOf("0 0 * jan,Mar-MAY ? 2026-2027").months).toEqual([1, 3, 4, 5]);
  expect(cronOf("0 0 * 1/4 ? 2026,2199").years).toEqual([2026, 2199]);
  expect(cronOf("0 0 * * ? *").years).toEqual(upTo(2199, 1, 1970));
  expect(cronOf("  0   0 * *\t? * ").hours).toEqual([0]);
});

test.each([
  ["31 ?", 2026, 4, []],
  ["30,31 ?", 2026, 4, [30]],
  ["L ?", 2026, 2, [28]],
  ["L ?", 2028, 2, [29]],
  ["L ?", 2100, 2, [28]],
  ["15W ?", 2026, 8, [14]],
  ["15W ?", 2026, 11, [16]],
  ["15W ?", 2026, 12, [15]],
  ["1W ?", 2026, 8, [3]],
  ["1W ?", 2026, 2, [2]],
  ["31W ?", 2026, 5, [29]],
  ["31W ?", 2026, 10, [30]],
  ["31W ?", 2026, 11, []],
  ["? MON", 2026, 11, [2, 9, 16, 23, 30]],
  ["? SUN,SAT", 2026, 11, [1, 7, 8, 14, 15, 21, 22, 28, 29]],
  ["? 2-4", 2026, 2, [2, 3, 4, 9, 10, 11, 16, 17, 18, 23, 24, 25]],
  ["? L", 2026, 11, [7, 14, 21, 28]],
  ["? 6L", 2026, 11, [27]],
  ["? 1L", 2026, 11, [29]],
  ["? 3#2", 2026, 11, [10]],
  ["? 1#5", 2026, 11, [29]],
  ["? 3#5", 2026, 11, []],
])("%s is, in %i-%i, the days %j", (rule, year, month, expected) => {
  expect(days(rule, year, month)).toEqual(expected);
});

test.each([
  ["", { kind: "cron-fields", given: 0 }],
  ["   ", { kind: "cron-fields", given: 0 }],
  ["0 3 * * *", { kind: "cron-fields", given: 5 }],
  ["0 0 3 * * ? *", { kind: "cron-fields", given: 7 }],
  ["60 3 * * ? *", { kind: "cron-value", field: "minutes", given: "60" }],
  ["0 24 * * ? *", { kind: "cron-value", field: "hours", given: "24" }],
  ["0 3 0 * ? *", { kind: "cron-value", field: "day of month", given: "0" }],
  ["0 3 32W * ? *", { kind: "cron-value", field: "day of month", given: "32W" }],
  ["0 3 L,15 * ? *", { kind: "cron-value", field: "day of month", given: "L,15" }],
  ["0 3 LW * ? *", { kind: "cron-value", field: "day of month", given: "LW" }],
  ["0 3 * 13 ? *", { kind: "cron-value", field: "month", given: "13" }],
  ["0 3 * MON ? *", { kind: "cron-value", field: "month", given: "MON" }],
  ["0 3 ? * 0 *", { kind: "cron-value", field: "day of week", given: "0" }],
  ["0 3 ? * 8L *", { kind: "cron-value", field: "day of week", given: "8L" }],
  ["0 3 ? * 2#6 *", { kind: "cron-value", field: "day of week", given: "2#6" }],
  ["0 3 ? * 3#1,6#3 *", { kind: "cron-value", field: "day of week", given: "3#1,6#3" }],
  ["0 3 ? * 1/2 *", { kind: "cron-value", field: "day of week", given: "1/2" }],
  ["0 3 * * ? 1969", { kind: "cron-value", field: "year", given: "1969" }],
  ["0 3 * * ? 2200", { kind: "cron-value", field: "year", given: "2200" }],
  ["0 ? * * ? *", { kind: "cron-value", field: "hours", given: "?" }],
  ["*,5 3 * * ? *", { kind: "cron-value", field: "minutes", given: "*,5" }],
  ["5, 3 * * ? *", { kind: "cron-value", field: "minutes", given: "5," }],
  ["1-2-3 3 * * ? *", { kind: "cron-value", field: "minutes", given: "1-2-3" }],
  ["0/5/5 3 * * ? *", { kind: "cron-value", field: "minutes", given: "0/5/5" }],
  ["-5 3 * * ? *", { kind: "cron-value", field: "minutes", given: "-5" }],
  ["1.5 3 * * ? *", { kind: "cron-value", field: "minutes", given: "1.5" }],
  ["30-10 3 * * ? *", { kind: "cron-range", field: "minutes", given: "30-10" }],
  ["0 3 ? * SAT-MON *", { kind: "cron-range", field: "day of week", given: "SAT-MON" }],
  ["0/0 3 * * ? *", { kind: "cron-step", field: "minutes", given: "0", most: 59 }],
  ["0 0/24 * * ? *", { kind: "cron-step", field: "hours", given: "24", most: 23 }],
  ["0 3 * 1/12 ? *", { kind: "cron-step", field: "month", given: "12", most: 11 }],
  ["0/ 3 * * ? *", { kind: "cron-step", field: "minutes", given: "", most: 59 }],
  ["0 3 * * * *", { kind: "cron-days", given: "both" }],
  ["0 3 1 * MON *", { kind: "cron-days", given: "both" }],
  ["0 3 ? * ? *", { kind: "cron-days", given: "neither" }],
])("the expression %j has the fault %j", (text, fault) => {
  expect(faultsOf(text)).toEqual([fault]);
});

test("each field that is wrong is named", () => {
  expect(faultsOf("x y ? z ? 1").map((fault) => ("field" in fault ? fault.field : fault.kind))).toEqual([
    "minutes",
    "hours",
    "cron-days",
    "month",
    "year",
  ]);
});
