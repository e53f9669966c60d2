// The engine in Chromium: ONNX Runtime's builds beside each other, the bundled model's frames with gaze, and a page's first answer, cold and warm. The
// machine should have nothing else to do meanwhile; the result says whether it had.
//
//   npx tsx bench/browser/speed.ts [--parts builds,frames,page] [--rounds 30] [--out bench/results/browser.json]
import { writeFileSync } from "node:fs";
import { parseArgs, promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { judgeLoad, loadBetween } from "../../src/evaluate/bench/load.ts";
import { exportOnnx } from "../../src/model-folder/compile.ts";
import { loadModel, requireNative } from "../../src/model-folder/load.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { describeMachine, readLoad } from "../../src/platform/node/machine.ts";
import { version } from "../../src/version.ts";
import { openSite } from "../../test/browser/site.ts";
import type { BuildsApi } from "./engine-builds-page.ts";
import type { BuildSetup } from "./engine-builds-worker.ts";
import type { FirstAnswerApi } from "./first-answer-page.ts";

const { values: flags } = parseArgs({
  options: {
    parts: { type: "string", default: "builds,frames,page" },
    rounds: { type: "string", default: "30" },
    out: { type: "string" },
  },
});
const rounds = Number(flags.rounds);
const PAGES = import.meta.dirname;

/** What `saccade page` and most servers of pages compress with. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

const quantile = (sorted: readonly number[], q: number) => sorted[Math.floor(q * (sorted.length - 1))]!;

/** With other work on the machine the shortest run is the nearest to the truth. */
function spread(times: readonly number[]) {
  const sorted = [...times].sort((a, b) => a - b).map((ms) => Math.round(ms * 10) / 10);
  return { min: sorted[0]!, q1: quantile(sorted, 0.25), median: quantile(sorted, 0.5), q3: quantile(sorted, 0.75) };
}

/** Builds in turns, each in a worker of its own. */
async function measureBuilds() {
  const model = requireNative(await loadModel(nodeHost, "saccade/everyday"));
  await using site = await openSite<BuildsApi>({ page: `${PAGES}/engine-builds-page.ts`, webgpu: true });
  for (const target of ["onnxruntime", "webgpu"] as const)
    site.server.put(`/${target}.onnx`, exportOnnx(model, { target }));
  const { api } = await site.open();
  const setup = (build: BuildSetup["build"], threads: number, target = "onnxruntime"): BuildSetup => ({
    ...{ build, device: "wasm", threads, model: `/${target}.onnx`, shape: [1, 3, 112, 112] },
  });
  const setups = [
    ...[1, 2].flatMap((threads) => [setup("wasm", threads), setup("jspi", threads), setup("asyncify", threads)]),
    setup("wasm", 1, "webgpu"),
  ];
  const stations = [];
  for (const one of setups) stations.push({ setup: one, opened: await api.open(one), times: [] as number[] });
  for (let round = 0; round < rounds; round++)
    for (const { opened, times } of stations) times.push(await api.run(opened.id));
  const [reference] = stations;
  return stations.map(({ setup: { build, device, threads, model }, opened, times }) => ({
    ...{ build, device, threads, target: model.slice(1, -5) },
    loadMs: Math.round(opened.loadMs),
    runMs: spread(times.slice(3)),
    logitDifference: Math.max(...opened.logits.map((x, i) => Math.abs(x - reference!.opened.logits[i]!))),
  }));
}

const openFirstAnswer = () =>
  openSite<FirstAnswerApi>({ page: `${PAGES}/first-answer-page.ts`, release: true, cached: true });

/** Frames of a camera's size, from their pixels to the answer with its gaze. */
async function measureFrames() {
  await using site = await openFirstAnswer();
  const rows = [];
  for (const threads of [1, 2]) {
    const { api } = await site.open({}, `?threads=${threads}`);
    const { notices } = await api.first();
    rows.push({ threads, notices, frameMs: spread((await api.frames(rounds + 5)).slice(5)) });
    await site.closePages();
  }
  return rows;
}

/** What a page transfers before its first answer, and how long it takes when the browser has all of it. */
async function measurePage() {
  await using site = await openFirstAnswer();
  const { api, page, requests } = await site.open({});
  const cold = await api.first();
  const paths = [...new Set(requests.map((url) => new URL(url).pathname))];
  const files = [];
  for (const path of paths) {
    const body = Buffer.from(await (await fetch(site.server.origin + path)).arrayBuffer());
    files.push({ path, bytes: (await promisify(brotliCompress)(body, BROTLI)).length });
  }
  const warm = [];
  for (let i = 0; i < 7; i++) {
    await page.reload();
    warm.push(await api.first());
  }
  return {
    cold: { answerMs: Math.round(cold.answerMs), bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), files },
    warm: { loadedMs: spread(warm.map((one) => one.loadedMs)), answerMs: spread(warm.map((one) => one.answerMs)) },
  };
}

const parts = { builds: measureBuilds, frames: measureFrames, page: measurePage };
const machine = describeMachine();
const results: Record<string, unknown> = {};
for (const [name, measure] of Object.entries(parts)) {
  if (!flags.parts.split(",").includes(name)) continue;
  const before = readLoad();
  const result = await measure();
  const { others } = judgeLoad([loadBetween(before, readLoad(), machine.machineCores)]);
  results[name] = { others, result };
  process.stderr.write(`${name}: ${JSON.stringify(results[name])}\n`);
}
const report = {
  date: new Date().toISOString().slice(0, 10),
  version,
  machine,
  rounds,
  model: "saccade/everyday",
  ...results,
};
const text = `${JSON.stringify(report, undefined, 1)}\n`;
if (flags.out === undefined) process.stdout.write(text);
else writeFileSync(flags.out, text);
