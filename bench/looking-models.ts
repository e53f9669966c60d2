// Models that look step by step, against each other: accuracy after each look, what stopping early by confidence and by the value net costs, and the time of
// all that, one picture at a time, in turns.
//
//   npx tsx bench/looking-models.ts --data scenes --model GFNet=runs/gfnet/best --model AdaptiveNN=runs/adaptivenn/best \
//     [--threads 1] [--timed 64] [--rounds 3] [--out bench/results/looking-models.json] [--plot docs/images/looking-models.svg]
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { openDataset } from "../src/data/open.ts";
import { type AccuracySeries, drawAccuracy } from "../src/evaluate/bench/plots/accuracy.ts";
import type { StepEvaluation } from "../src/evaluate/steps.ts";
import { nodeDataFiles } from "../src/platform/node/data-files.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine } from "../src/platform/node/machine.ts";
import { type AdaptiveClassifier, loadAdaptiveClassifier } from "../src/tasks/classify/adaptive-classifier.ts";
import {
  POINTS,
  readPictures,
  representativePoints,
  type Subject,
  shorterSubjects,
  spreadSample,
  stepAccuracy,
  timePoint,
  timeSubjects,
} from "./exit-times.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string" },
    model: { type: "string", multiple: true },
    threads: { type: "string", default: "1" },
    timed: { type: "string", default: "64" },
    rounds: { type: "string", default: "3" },
    out: { type: "string", default: "bench/results/looking-models.json" },
    plot: { type: "string", default: "docs/images/looking-models.svg" },
  },
});
const { data, model: given } = flags;
if (data === undefined || given === undefined)
  throw new Error("--data and --model are needed; see the head of this file");

const { validation } = await openDataset(nodeDataFiles, data);
if (validation === undefined) throw new Error(`${data} has no validation pictures`);

interface Measured {
  readonly name: string;
  readonly classifier: AdaptiveClassifier;
  readonly evaluation: StepEvaluation;
}

const ALL = "all looks";
const CONFIDENT = "by confidence";
const VALUED = "by value";

/** A model's subjects: so many looks and no more, all of them, and early stops by either rule. */
function subjectsOf({ name, classifier, evaluation }: Measured): Subject[] {
  const { steps, curve, valueCurve = [] } = evaluation;
  const { top1, macs } = steps.at(-1)!;
  const answer =
    (options: Parameters<AdaptiveClassifier["scores"]>[1]): Subject["answer"] =>
    (images) =>
      classifier.scores(images, { ...options, batchSize: images.length });
  const looks = (count: number) => (count === 1 ? "the glance alone" : `${count} looks`);
  const own: Subject[] = [
    ...shorterSubjects(classifier, evaluation, looks),
    { name: ALL, top1, macs, answer: answer({}) },
    ...representativePoints(curve, POINTS).map((point) => ({
      ...point,
      name: `${CONFIDENT}, q = ${point.ratio}`,
      answer: answer({ thresholds: point.thresholds }),
    })),
    ...valueCurve
      .filter((_, i) => i % Math.ceil(valueCurve.length / POINTS) === 0)
      .map((point) => ({
        ...point,
        name: `${VALUED}, ${point.minimumValue.toPrecision(2)}`,
        answer: answer({ minimumValue: point.minimumValue }),
      })),
  ];
  return own.map((subject) => ({ ...subject, name: `${name}: ${subject.name}` }));
}

const measured: Measured[] = [];
let pictures: Awaited<ReturnType<typeof readPictures>> = [];
for (const entry of given) {
  const [name, folder] = entry.split("=") as [string, string];
  const classifier = await loadAdaptiveClassifier(nodeHost, folder, { device: "cpu", threads: Number(flags.threads) });
  pictures = await readPictures(validation, classifier.labels ?? []);
  measured.push({ name, classifier, evaluation: await stepAccuracy(classifier, pictures) });
}
const rows = await timeSubjects(
  measured.flatMap(subjectsOf),
  spreadSample(pictures, Number(flags.timed)),
  [1],
  Number(flags.rounds),
);
await Promise.all(measured.map(({ classifier }) => classifier.dispose()));

const machine = describeMachine();
const report = {
  date: new Date().toISOString(),
  machine,
  threads: Number(flags.threads),
  pictures: pictures.length,
  timed_pictures: Number(flags.timed),
  models: Object.fromEntries(
    measured.map(({ name, classifier, evaluation }) => [name, { step_macs: classifier.stepMacs, ...evaluation }]),
  ),
  rows,
};
mkdirSync(dirname(flags.out), { recursive: true });
writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
console.table(rows.map(({ name, top1, macs, ms }) => ({ name, top1, MMACs: macs / 1e6, ms: ms[1] })));

const series = measured.flatMap(({ name }): AccuracySeries[] =>
  [CONFIDENT, VALUED].map((rule) => ({
    label: `${name}, ${rule}`,
    points: rows
      .filter((row) => row.name.startsWith(`${name}: ${rule}`) || row.name === `${name}: ${ALL}`)
      .map(timePoint)
      .toSorted((a, b) => a.x - b.x),
  })),
);
mkdirSync(dirname(flags.plot), { recursive: true });
writeFileSync(
  flags.plot,
  drawAccuracy({
    title: "Accuracy against time: models that look step by step",
    xTitle: "milliseconds a picture, one at a time",
    note: `${machine.processor}, ${flags.threads} thread(s); ${pictures.length} validation pictures; chance is ${(100 / validation.labels.length).toFixed(0)} %`,
    series: series.filter(({ points }) => points.length > 1),
  }),
);
