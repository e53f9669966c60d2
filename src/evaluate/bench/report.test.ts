import { expect, test } from "vitest";
import { benchToCsv } from "./csv.ts";
import { fakeReport, fakeRow } from "./report.test-helper.ts";
import { contextKey, parseBenchReport, printBenchReport, settingKey } from "./report.ts";

const FULL = fakeRow({
  model: 'a "quoted", name',
  ms: 12.3456789,
  macs: 2181010432,
  ratio: { median: 1.23456789, q1: 1, q3: 2 },
  share_of_limit: 0.123456789,
  fresh: { start_ms: 50, load_ms: 300, first_ms: 20, idle_bytes: 1, peak_bytes: 2 },
  ops: [{ name: "Conv", share: 1 }],
});

test("what is written reads back, five digits sharp and whole numbers whole", () => {
  const report = fakeReport([FULL], { command: "saccade bench", suite: "headline" });
  const again = parseBenchReport(printBenchReport(report), "report.json");
  expect(again.rows[0]).toMatchObject({ macs: 2181010432, ms: { median: 12.346 }, share_of_limit: 0.12346 });
  expect(parseBenchReport(printBenchReport(again), "report.json")).toEqual(again);
  expect({ ...again, rows: [] }).toEqual({ ...report, rows: [] });
});

test.each([
  ["", "not valid JSON"],
  ["{}", "layout"],
  [JSON.stringify({ ...fakeReport([]), layout: 2 }), "layout"],
  [JSON.stringify(fakeReport([{ ...FULL, batch: -1 }])), "batch"],
  [JSON.stringify(fakeReport([], { load: { others: 7, process_cores: 1, quiet: true, notes: [] } })), "others"],
])("%.40s… is refused, naming the field", (json, field) => {
  expect(() => parseBenchReport(json, "report.json")).toThrow(field);
  expect(() => parseBenchReport(json, "report.json")).toThrow("report.json");
});

test("keys are equal for equal settings", () => {
  const { model: _, ...context } = FULL;
  expect(settingKey(FULL)).toBe(settingKey({ ...FULL, frames: 1 }));
  expect(settingKey(FULL)).not.toBe(settingKey({ ...FULL, model: "b" }));
  expect(contextKey(context)).not.toBe(contextKey({ ...context, precision: "int8" }));
});

test("CSV: a header, a line a row, empty where nothing was measured, quotes where they are needed", () => {
  const lines = benchToCsv(fakeReport([FULL, fakeRow({ model: "b", ms: 3 })])).split("\r\n");
  expect(lines).toHaveLength(4);
  expect(lines[3]).toBe("");
  const header = lines[0]!.split(",");
  expect(lines[1]).toMatch(/^"a ""quoted"", name",224,224,,1,cpu,float32,2,false,/);
  const cells = lines[2]!.split(",");
  expect(cells).toHaveLength(header.length);
  const cell = (name: string) => cells[header.indexOf(name)];
  expect(["model", "ms_median", "ms_q1", "ratio_median", "peak_bytes", "rounds", "quiet"].map(cell)).toEqual([
    "b",
    "3",
    "2.7",
    "",
    "",
    "10",
    "true",
  ]);
});
