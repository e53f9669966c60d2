// What following a video costs and how often it is right, against a full look at every frame, on made videos whose label is known on every frame. All
// ways take turns at every frame, so that what else the machine does hits all of them.
//
//   npx tsx bench/stream.ts --data photos/val [--model saccade/photographs] [--shots 90] [--frames 75] [--threads 1] [--from 2]
//     [--out bench/results/stream.json]
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { loadPicture } from "../src/data/files.ts";
import { matchNames } from "../src/data/labels.ts";
import { openForEvaluation } from "../src/evaluate/dataset-split.ts";
import { loadModel } from "../src/model-folder/load.ts";
import { modelCost } from "../src/models/cost.ts";
import { nodeDataFiles } from "../src/platform/node/data-files.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine } from "../src/platform/node/machine.ts";
import { RandomSource } from "../src/random.ts";
import { loadStream, type StreamClassifier, type StreamOptions } from "../src/tasks/stream/stream-classifier.ts";
import { madeVideo } from "./stream-videos.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string" },
    model: { type: "string", default: "saccade/photographs" },
    shots: { type: "string", default: "90" },
    frames: { type: "string", default: "75" },
    threads: { type: "string", default: "1" },
    from: { type: "string", default: "2" },
    seed: { type: "string", default: "7" },
    out: { type: "string", default: "bench/results/stream.json" },
  },
});
if (flags.data === undefined) throw new Error("--data is needed; see the head of this file");

const FRAME_RATE = 25;
const model = await loadModel(nodeHost, flags.model);
if (model.kind !== "native") throw new Error("a model of this library is needed, whose products can be counted");
const session = { device: "cpu", threads: Number(flags.threads), topK: 1 } as const;

interface Way {
  readonly name: string;
  readonly stream: StreamClassifier;
  /** Only each so-manieth frame is handed over; the answer stands in between. */
  readonly every: number;
  answer: number;
  milliseconds: number;
  /** By shot: frames answered rightly, of all and of those outside of transitions. */
  readonly right: number[];
  readonly rightSteady: number[];
  /** Frames from a cut to the first right answer, where there was one in the shot. */
  readonly delays: number[];
}

const way = async (name: string, options: StreamOptions, every = 1): Promise<Way> => ({
  name,
  stream: await loadStream(nodeHost, model, { ...session, ...options }),
  every,
  answer: -1,
  milliseconds: 0,
  right: [],
  rightSteady: [],
  delays: [],
});

const ways = [
  await way("a full look at every frame", { always: true, memory: 0 }),
  await way("every 6th frame", { always: true, memory: 0 }, 6),
  await way("where it changed", {}),
  await way("where it changed, 0.1", { changed: 0.1 }),
  await way("steps, and where they found something else", { steps: true, cut: 0.2 }),
];

const { dataset } = await openForEvaluation(nodeDataFiles, flags.data, {});
const { indices } = matchNames(dataset.labels, ways[0]!.stream.labels ?? []);
// The first pictures of each class were those that thresholds were tuned on.
const seen = new Map<number, number>();
const random = new RandomSource(Number(flags.seed), "order");
const order: { at: number; key: number }[] = [];
for (let at = 0; at < dataset.length; at++) {
  const { label } = await dataset.item(at);
  const count = seen.get(label) ?? 0;
  seen.set(label, count + 1);
  const key = random.uniform();
  if (count >= Number(flags.from)) order.push({ at, key });
}
const chosen = order.toSorted((a, b) => a.key - b.key).slice(0, Number(flags.shots));
const pictures = await Promise.all(
  chosen.map(async ({ at }) => {
    const { picture, label } = await dataset.item(at);
    return { image: await loadPicture(picture, nodeDataFiles, nodeHost.decode), target: indices[label]! };
  }),
);

const video = { seed: Number(flags.seed), frameRate: FRAME_RATE, framesPerShot: Number(flags.frames), side: 240 };
const steady: number[] = [];
let index = 0;
let shot = -1;
let since = 0;
for (const frame of madeVideo(pictures, video)) {
  if (frame.shot !== shot) {
    shot = frame.shot;
    since = 0;
    steady.push(0);
    for (const one of ways) {
      one.right.push(0);
      one.rightSteady.push(0);
    }
    if (shot % 20 === 0) console.error(`shot ${shot} of ${pictures.length}`);
  }
  if (!frame.isTransition) steady[shot]! += 1;
  // In ever another order: who comes after a large run pays for its caches.
  for (let i = 0; i < ways.length; i++) {
    const one = ways[(i + index) % ways.length]!;
    if (index % one.every === 0) {
      const start = performance.now();
      const answer = await one.stream.push({ image: frame.image, seconds: frame.seconds, index });
      one.milliseconds += performance.now() - start;
      one.answer = answer!.predictions[0]!.index;
    }
    if (one.answer !== frame.target) continue;
    if (one.right[shot] === 0) one.delays.push(since);
    one.right[shot]! += 1;
    if (!frame.isTransition) one.rightSteady[shot]! += 1;
  }
  since += 1;
  index += 1;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / Math.max(1, values.length);
const usual = { height: 128, width: 128 };
const size = ways[0]!.stream.card.transform?.match(/central_crop\((\d+)\)/)?.[1];
const extent = size === undefined ? usual : { height: Number(size), width: Number(size) };
const lookMacs = modelCost(model.definition, extent).macs;
const [baseline] = ways as [Way, ...Way[]];
const rows = ways.map(({ name, stream, every, milliseconds, right, rightSteady, delays }) => {
  const { fullLooks, steps } = stream.counts;
  const differences = right.map((count, i) => (count - baseline.right[i]!) / video.framesPerShot);
  const difference = mean(differences);
  const error = Math.sqrt(sum(differences.map((value) => (value - difference) ** 2))) / differences.length;
  const macs = (fullLooks * lookMacs + steps * (stream.macs?.step ?? 0)) / index;
  return {
    name,
    top1: sum(right) / index,
    top1_outside_transitions: sum(rightSteady) / sum(steady),
    points_less: -100 * difference,
    points_less_standard_error: 100 * error,
    full_looks_per_frame: fullLooks / index,
    steps_per_frame: steps / index,
    mmacs_per_frame: macs / 1e6,
    share_of_macs: macs / lookMacs,
    ms_per_frame: milliseconds / index,
    share_of_ms: milliseconds / baseline.milliseconds,
    ms_of_answered_frame: (milliseconds / index) * every,
    mean_frames_until_right: mean(delays),
  };
});
const report = {
  date: new Date().toISOString(),
  machine: describeMachine(),
  threads: session.threads,
  model: model.card.name,
  data: flags.data.split("/").slice(-2).join("/"),
  shots: pictures.length,
  frames: index,
  frames_per_shot: video.framesPerShot,
  frame_rate: FRAME_RATE,
  mmacs_full_look: lookMacs / 1e6,
  mmacs_step: (ways.at(-1)!.stream.macs?.step ?? 0) / 1e6,
  rows,
};
mkdirSync(dirname(flags.out), { recursive: true });
writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
for (const row of rows)
  console.log(
    row.name.padEnd(44),
    `${(100 * row.top1).toFixed(1)} % (${(-row.points_less).toFixed(1)} ± ${row.points_less_standard_error.toFixed(1)})`,
    `${(1 / row.share_of_macs).toFixed(1)}x fewer MACs`,
    `${row.ms_per_frame.toFixed(2)} ms, ${(1 / row.share_of_ms).toFixed(1)}x less`,
    `steps ${row.steps_per_frame.toFixed(2)}`,
  );
for (const { stream } of ways) await stream.dispose();
