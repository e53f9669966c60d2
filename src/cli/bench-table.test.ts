import { expect, test } from "vitest";
import { fakeReport, fakeRow } from "../evaluate/bench/report.test-helper.ts";
import { describeBench } from "./bench-table.ts";

const FRESH = { start_ms: 60, load_ms: 300, first_ms: 40, idle_bytes: 50e6, peak_bytes: 630.4e6 };
const spread = (median: number) => ({ median, q1: median, q3: median });

const ROWS = [
  fakeRow({ model: "sparse", ms: 20, macs: 2.18e9, ratio: spread(1), share_of_limit: 0.553, fresh: FRESH }),
  fakeRow({ model: "sparse", ms: 128, batch: 8, macs: 2.18e9, ratio: spread(1), share_of_limit: 0.61, fresh: FRESH }),
  fakeRow({
    model: "swin_tiny_patch4_window7_224",
    ms: 40,
    macs: 4.5e9,
    ratio: spread(2.004),
    share_of_limit: 0.4,
    fresh: FRESH,
  }),
];

const unfolded = (text: string) => text.replaceAll("\n", " ");
const lines = (text: string) => text.split("\n");

test("what is common stands above, what differs has columns, each model has its rows", () => {
  const text = describeBench(fakeReport(ROWS), 80);
  expect(lines(text).slice(0, 9)).toEqual([
    "224 x 224 pixels, cpu, float32, 2 threads, onnxruntime-node 1.30.0; from a",
    "model's input to its output; 10 rounds. Matrix products in the same rounds: 200",
    "GFLOP/s.",
    "",
    "  batch  GMACs    ms     ±  per s  ratio  limit   MB   start",
    "sparse",
    "      1    2.2  20.0  15 %   50.0   1.00   55 %  630  0.40 s",
    "      8    2.2  16.0  15 %   62.5   1.00   61 %  630  0.40 s",
    "swin_tiny_patch4_window7_224",
  ]);
  expect(unfolded(text)).toContain("ratio: time over the first model's, round by round");
});

test("80 columns are enough, whatever differs", () => {
  const varied = ROWS.flatMap((row) =>
    (["float32", "int8"] as const).flatMap((precision) =>
      [1, 2].map((threads) => ({ ...row, precision, threads, height: 1024 * threads, width: 1024 * threads })),
    ),
  );
  const traced = {
    ...varied[0]!,
    ops: Array.from({ length: 9 }, (_, i) => ({ name: `LayerNormalization${i}`, share: 0.1 })),
    parts: [{ name: "layers.0", share: 0.7 }],
  };
  const load = {
    others: 0.4,
    process_cores: 1,
    quiet: false,
    notes: ["Other work took 40 % of the machine: do not …"],
  };
  const text = describeBench(fakeReport([traced, ...varied.slice(1)], { load }), 80);
  expect(lines(text).filter((line) => line.length > 80)).toEqual([]);
  expect(lines(text)).toContainEqual(expect.stringMatching(/px +batch +precision +threads .* ms .* limit/));
  expect(text).toContain("Other work took 40 %");
  expect(text).toContain("by part: layers.0 70 %");
});

test("columns that nothing fills are left out, with their legend; single cells are dashes", () => {
  const text = describeBench(
    fakeReport([fakeRow({ model: "a" }), fakeRow({ model: "b", macs: 5e7 })], { limits: [] }),
    80,
  );
  expect(text).not.toMatch(/limit|MB|start|Matrix/);
  expect(lines(text).filter((line) => /^ +(-|0\.05) +10\.0 /.test(line))).toHaveLength(2);
});

test("clips, long pictures, JPEG files, nothing at all", () => {
  const text = describeBench(
    fakeReport([fakeRow({ model: "a", frames: 8 }), fakeRow({ model: "b", height: 96, width: 64 })], { decode: true }),
    80,
  );
  for (const words of ["8x224", "64x96", "from JPEG files to answers"]) expect(unfolded(text)).toContain(words);
  expect(describeBench(fakeReport([]), 80)).toContain("Nothing was measured.");
});

test("names cannot move the cursor", () => {
  expect(describeBench(fakeReport([fakeRow({ model: "a\u001b[2J" })]), 80)).not.toContain("\u001b");
});
