// What stopping early is worth for a model that runs in steps, such as the bundled one: accuracy after each step, the curve of stopping early,
// and milliseconds at matched accuracy against always running all steps, one picture at a time and 32 together. With --phase times, accuracies
// are those of the file that is there.
//
//   npx tsx bench/early-exit.ts --data everyday [--model saccade/everyday] [--phase times] [--threads 2] [--timed 128] [--rounds 5]
//     [--limit 2000] [--out bench/results/early-exit.json] [--plot docs/images/early-exit-everyday.svg]
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { drawAccuracy } from "../src/evaluate/bench/plots/accuracy.ts";
import { openForEvaluation, spreadSubset } from "../src/evaluate/dataset-split.ts";
import type { StepEvaluation } from "../src/evaluate/steps.ts";
import { nodeDataFiles } from "../src/platform/node/data-files.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine } from "../src/platform/node/machine.ts";
import { loadAdaptiveClassifier } from "../src/tasks/classify/adaptive-classifier.ts";
import { loadClassifier } from "../src/tasks/classify/classifier.ts";
import {
  BATCHES,
  cheapestAt,
  exitSubjects,
  POINTS,
  printTimes,
  readPictures,
  representativePoints,
  shorterSubjects,
  spreadSample,
  stepAccuracy,
  stopsEarly,
  timePoint,
  timeSubjects,
} from "./exit-times.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string" },
    model: { type: "string", default: "saccade/everyday" },
    phase: { type: "string", default: "all" },
    threads: { type: "string", default: "2" },
    timed: { type: "string", default: "128" },
    rounds: { type: "string", default: "5" },
    limit: { type: "string" },
    out: { type: "string", default: "bench/results/early-exit.json" },
    plot: { type: "string", default: "docs/images/early-exit-everyday.svg" },
  },
});
if (flags.data === undefined) throw new Error("--data is needed; see the head of this file");

const session = { device: "cpu", threads: Number(flags.threads) } as const;
await using inSteps = await loadAdaptiveClassifier(nodeHost, flags.model, session);
await using inOneGraph = await loadClassifier(nodeHost, flags.model, session);
const { dataset } = await openForEvaluation(nodeDataFiles, flags.data, {});
const chosen = flags.limit === undefined ? dataset : spreadSubset(dataset, Number(flags.limit));
const pictures = await readPictures(chosen, inSteps.labels ?? []);
const evaluation: StepEvaluation =
  flags.phase === "times" ? JSON.parse(readFileSync(flags.out, "utf8")) : await stepAccuracy(inSteps, pictures);
const all = evaluation.steps.at(-1)!;
const matched = cheapestAt(evaluation.curve, all.top1);
const points = [
  ...new Set([...representativePoints(evaluation.curve, POINTS), ...(matched === undefined ? [] : [matched])]),
];
const sorted = points.toSorted((a, b) => a.macs - b.macs);
const early = (steps: number) => (steps === 1 ? "the early answer alone" : `${steps} steps`);
const subjects = [
  ...shorterSubjects(inSteps, evaluation, early),
  ...exitSubjects(inSteps, inOneGraph, evaluation, sorted),
];
const rows = await timeSubjects(subjects, spreadSample(pictures, Number(flags.timed)), BATCHES, Number(flags.rounds));

const report = {
  date: new Date().toISOString(),
  machine: describeMachine(),
  threads: session.threads,
  model: inSteps.card.name,
  pictures: pictures.length,
  timed_pictures: Number(flags.timed),
  steps: inSteps.steps.map((name, i) => ({ name, ...evaluation.steps[i]! })),
  matched: matched === undefined ? null : { ratio: matched.ratio, top1: matched.top1, exits: matched.exits },
  rows,
  curve: evaluation.curve,
};
mkdirSync(dirname(flags.out), { recursive: true });
writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
console.log(`steps: ${report.steps.map(({ name, top1 }) => `${name} ${percent(top1)}`).join(", ")}`);
console.log(
  `as often right as all steps, within half a point: ${matched === undefined ? "no point" : `q = ${matched.ratio}`}`,
);
printTimes(rows);

mkdirSync(dirname(flags.plot), { recursive: true });
writeFileSync(
  flags.plot,
  drawAccuracy({
    title: "Accuracy against time: stopping early, and all steps",
    xTitle: "milliseconds a picture, one at a time",
    note: `${report.model}, ${pictures.length} pictures; ${report.machine.processor}, ${session.threads} threads`,
    series: [
      { label: "stopping early", points: rows.filter(stopsEarly).map(timePoint) },
      { label: "as many steps for all", points: rows.filter((row) => !stopsEarly(row)).map(timePoint) },
    ],
  }),
);
