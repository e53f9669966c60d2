import { expect, test } from "vitest";
import { assertWellFormed } from "../../report/well-formed.test-helper.ts";
import { fakeReport, fakeRow } from "../report.test-helper.ts";
import { modelLabel, spreadLabels, textWidth } from "./figure.ts";
import { logScale, logTicks, tickText } from "./log-axes.ts";
import { drawPlots } from "./plots.ts";

const SWEEP = [
  fakeRow({ model: "sparse", ms: 20, height: 224, width: 224, macs: 2e9 }),
  fakeRow({ model: "sparse", ms: 40, height: 448, width: 448, macs: 4e9 }),
  fakeRow({ model: "dir/dense <1>.onnx", ms: 40, height: 224, width: 224, macs: 4e9 }),
  fakeRow({ model: "dir/dense <1>.onnx", ms: 160, height: 448, width: 448, macs: 16e9 }),
];

/** What the SVG shows for each dot: its place and its title. */
function dots(svg: string) {
  return [...svg.matchAll(/<circle [^>]*cx="([\d.]+)" cy="([\d.]+)"[^>]*><title>([^<]*)</g)].map(([, x, y, title]) => ({
    x: Number(x),
    y: Number(y),
    title: title!,
  }));
}

test("files are whole, well-formed SVG, with every text escaped and both colour schemes", () => {
  const traced = { ...SWEEP[0]!, ops: [{ name: "Conv & co", share: 1 }], parts: [{ name: "stem", share: 1 }] };
  const plots = drawPlots(fakeReport([traced, ...SWEEP.slice(1)]));
  expect([...plots.keys()]).toEqual(["throughput", "time-by-macs", "time-by-op", "time-by-part"]);
  for (const svg of plots.values()) {
    assertWellFormed(svg);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="\d+" height="\d+" viewBox="0 0 \d+ \d+"/);
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg).toContain("A &lt;fast&gt; &amp; good processor, 2 threads, cpu; batch 1, inference alone; 2026-01-02");
    expect(svg).not.toContain("NaN");
  }
});

test("throughput: equal factors are equal distances, faster is higher, names are at the lines' ends", () => {
  const svg = drawPlots(fakeReport(SWEEP)).get("throughput")!;
  const [a, b, c, d] = dots(svg) as [Dot, Dot, Dot, Dot];
  expect(a.title).toBe("sparse, 224 x 224: 50.0 pictures/s");
  expect([a.x, b.x]).toEqual([c.x, d.x]);
  // Half the speed: one step down. A quarter: two.
  expect(b.y - a.y).toBeGreaterThan(10);
  expect(b.y - a.y).toBeCloseTo(c.y - a.y, 1);
  expect(d.y - c.y).toBeCloseTo(2 * (b.y - a.y), 1);
  expect(svg).toMatch(/<text class="label f0"[^>]*>sparse</);
  expect(svg).toMatch(/<text class="label f1"[^>]*>dense &lt;1&gt;</);
  for (const size of ["224", "448"]) expect(svg).toContain(`text-anchor="middle">${size}<`);
});

type Dot = ReturnType<typeof dots>[number];

test("time by products: a model at the machine's limit lies on its line", () => {
  // 200 GFLOP/s: 2 G products take 20 ms, 4 G take 40 ms; "dense" at 448 takes just its 160 ms too.
  const svg = drawPlots(fakeReport(SWEEP)).get("time-by-macs")!;
  const [, x1, y1, x2, y2] = /<line class="limit" x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"/
    .exec(svg)!
    .map(Number) as [number, number, number, number, number];
  for (const { x, y } of dots(svg)) expect(y).toBeCloseTo(y1 + ((x - x1) / (x2 - x1)) * (y2 - y1), 0);
  expect(svg).toContain("matrix products, 200 GFLOP/s");
  const slower = drawPlots(fakeReport([{ ...SWEEP[0]!, ms: { median: 80, q1: 80, q3: 80 } }, SWEEP[1]!]));
  expect(dots(slower.get("time-by-macs")!)[0]!.title).toBe("sparse, 224 x 224: 2.00 GMACs, 80.0 ms");
});

test("shares: widths are proportional and fill the bar; a legend tells the colours", () => {
  const ops = [
    { name: "Conv", share: 0.5 },
    { name: "MatMul", share: 0.3 },
    ...Array.from({ length: 10 }, (_, i) => ({ name: `Op${i}`, share: 0.02 })),
  ];
  const svg = drawPlots(fakeReport([fakeRow({ model: "m", ms: 16, batch: 8, ops })])).get("time-by-op")!;
  const bars = [...svg.matchAll(/<title>([^<]*)<\/title><rect class="([^"]*)" x="[\d.]+" y="\d+" width="([\d.]+)"/g)];
  const widths = bars.map(([, title, , width]) => [title, Number(width) + 1] as const);
  expect(widths[0]).toEqual(["Conv 50 %", 360]);
  expect(widths[1]).toEqual(["MatMul 30 %", 216]);
  expect([widths.at(-1)![0], Math.round(widths.at(-1)![1])]).toEqual(["other 10 %", 72]); // five of the ten small ones have a colour of their own
  expect(widths.reduce((sum, [, width]) => sum + width, 0)).toBeCloseTo(720, 0);
  expect(svg).toContain("m: 2.00 ms a picture");
  expect(svg).toContain(">Conv</text>");
});

test("what does not belong into one plot gets several, named by what differs", () => {
  const rows = [...SWEEP, ...SWEEP.map((row) => ({ ...row, batch: 8 }))];
  expect([...drawPlots(fakeReport(rows)).keys()]).toEqual([
    "throughput-batch1",
    "time-by-macs-batch1",
    "throughput-batch8",
    "time-by-macs-batch8",
  ]);
});

test("no plot without something to compare, and no quiet machine is said", () => {
  expect(drawPlots(fakeReport([SWEEP[0]!])).size).toBe(0);
  expect(drawPlots(fakeReport([])).size).toBe(0);
  const load = { others: 0.5, process_cores: 1, quiet: false, notes: [] };
  for (const svg of drawPlots(fakeReport(SWEEP, { load, limits: [] })).values())
    expect(svg).toContain("NOT a quiet machine");
});

test("precisions of a model are lines of their own; a model with one keeps its name", () => {
  const rows = [...SWEEP, ...SWEEP.slice(0, 2).map((row) => ({ ...row, precision: "int8" }))];
  const svg = drawPlots(fakeReport(rows)).get("throughput")!;
  for (const label of [">sparse, float32<", ">sparse, int8<", ">dense &lt;1&gt;<"]) expect(svg).toContain(label);
});

test("labels move apart, as little as they must, and stay inside", () => {
  expect(spreadLabels([10, 50, 90], 15, 0, 100)).toEqual([10, 50, 90]);
  expect(spreadLabels([50, 52], 15, 0, 100)).toEqual([50, 65]);
  expect(spreadLabels([52, 50], 15, 0, 100)).toEqual([65, 50]);
  expect(spreadLabels([98, 99], 15, 0, 100)).toEqual([85, 100]);
});

test("ticks are round numbers within the scale", () => {
  expect(logTicks({ low: 0.15, high: 30 })).toEqual([0.2, 0.5, 1, 2, 5, 10, 20]);
  expect(logTicks({ low: 0.5, high: 5000 })).toEqual([1, 10, 100, 1000]);
  expect(logTicks(logScale([224], 0, 100))).toEqual([200]);
  expect([0.2, 500, 20_000].map(tickText)).toEqual(["0.2", "500", "20k"]);
});

test("names without the way to their file; wide letters are wide", () => {
  expect(["saccade/everyday", "../a/b.onnx", "runs\\best\\", "resnet50"].map(modelLabel)).toEqual([
    "saccade/everyday",
    "b",
    "best",
    "resnet50",
  ]);
  expect(textWidth("WWW")).toBeGreaterThan(2 * textWidth("iii"));
});
