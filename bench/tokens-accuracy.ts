// What fewer tokens cost in accuracy and save in measured time, on one task with real pictures: a plain ViT with every reduction at several rates,
// beside a SparseFormer for the same labels that stops early, and a GFNet where there is one. Nothing is trained for its reduction. Times are of
// pictures as Classifier answers them, preparing included, in turns batch by batch; on a machine that others use too, processor time is steadier.
//
//   npx tsx bench/tokens-accuracy.ts --vit runs/vit/best --data photos/val [--sparseformer saccade/photographs|none] [--gfnet FOLDER] [--tokens HOW …]
//     [--phase all|gfnet|times|draw] [--threads 1] [--clock wall|processor] [--timed 64] [--rounds 5] [--limit N] [--out bench/results/tokens-accuracy.json] [--plot docs/images/tokens.svg]
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { type AccuracySeries, drawAccuracy } from "../src/evaluate/bench/plots/accuracy.ts";
import { openForEvaluation, spreadSubset } from "../src/evaluate/dataset-split.ts";
import type { StepEvaluation } from "../src/evaluate/steps.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import { usualExtent } from "../src/model-folder/describe.ts";
import { loadModel, requireNative } from "../src/model-folder/load.ts";
import type { NativeModel } from "../src/model-folder/model.ts";
import { modelCost } from "../src/models/cost.ts";
import { nodeDataFiles } from "../src/platform/node/data-files.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine } from "../src/platform/node/machine.ts";
import type { Device } from "../src/runtime/session.ts";
import { AdaptiveClassifier } from "../src/tasks/classify/adaptive-classifier.ts";
import { type Classifier, loadClassifier } from "../src/tasks/classify/classifier.ts";
import {
  accuracyOf,
  cheapestAt,
  type LabelledPicture,
  readPictures,
  representativePoints,
  type Subject,
  spreadSample,
  stepAccuracy,
  timeSubjects,
} from "./exit-times.ts";

/** Of a network of 6 blocks and 144 patches: each system from sparing to hard. */
const REDUCTIONS = [
  ...[0.9, 0.7, 0.5].map((keep) => `keep=${keep}@1,3:prune`),
  ...[0.9, 0.7, 0.5].map((keep) => `keep=${keep}@1,3:evit`),
  ...[4, 8, 12, 16].map((pairs) => `merge=${pairs}:tome`),
  ...[0.9, 0.7, 0.5].map((keep) => `transform=${keep}@1,3:transforming`),
];

const { values: flags } = parseArgs({
  options: {
    vit: { type: "string" },
    data: { type: "string" },
    sparseformer: { type: "string", default: "saccade/photographs" },
    gfnet: { type: "string" },
    tokens: { type: "string", multiple: true, default: REDUCTIONS },
    phase: { type: "string", default: "all" },
    threads: { type: "string", default: "1" },
    timed: { type: "string", default: "64" },
    rounds: { type: "string", default: "5" },
    clock: { type: "string", default: "wall" },
    limit: { type: "string" },
    out: { type: "string", default: "bench/results/tokens-accuracy.json" },
    plot: { type: "string", default: "docs/images/tokens.svg" },
  },
});

/** Where, how many pictures together, and how many of the timed pictures: a page's engine is slow. */
const SETTINGS = [
  { device: "cpu", batch: 1, share: 1 },
  { device: "cpu", batch: 8, share: 1 },
  { device: "wasm", batch: 1, share: 0.125 },
] as const satisfies readonly { device: Device; batch: number; share: number }[];
type Setting = (typeof SETTINGS)[number];
const keyOf = ({ device, batch }: Setting) => `${device}, batch ${batch}`;

/** One way to answer: the model that is timed, and what it is right of. */
interface Row {
  /** The line of the plot that it is on. */
  readonly series: string;
  readonly name: string;
  /** Which of the models. */
  readonly of: "vit" | "sparseformer" | "gfnet";
  readonly tokens?: string;
  /** Of a model that stops early: confidences at which it does. */
  readonly thresholds?: readonly number[];
  readonly top1: number;
  /** Mean multiply-accumulates of a picture. */
  readonly macs: number;
  readonly ms: Record<string, number>;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const threads = Number(flags.threads);
const session = { device: "cpu", threads } as const;

function costOf({ definition, card }: NativeModel): number {
  return modelCost(definition, usualExtent(definition, card.transform)).macs;
}

/** "evit" of "keep=0.7@1,3:evit". */
const systemOf = (tokens: string) => /:([a-z0-9-]+)/.exec(tokens)?.[1] ?? tokens;

async function measureVit(): Promise<Row[]> {
  const pictures = await picturesFor("vit");
  const rows: Row[] = [];
  for (const tokens of [undefined, ...flags.tokens]) {
    const model = requireNative(await loadModel(nodeHost, flags.vit!, tokens === undefined ? {} : { tokens }));
    await using classifier = await loadClassifier(nodeHost, model, session);
    const top1 = await accuracyOf(classifier, pictures);
    rows.push({
      series: tokens === undefined ? "all tokens" : systemOf(tokens),
      name: tokens ?? "all tokens",
      of: "vit",
      ...(tokens === undefined ? {} : { tokens }),
      ...{ top1, macs: costOf(model), ms: {} },
    });
    console.log(`${tokens ?? "all tokens"}: ${percent(top1)}`);
  }
  return rows;
}

/** Points of a curve that are timed. */
const POINTS = 5;

/** A model that answers in steps: points of its curve of stopping early, and all steps. */
async function measureSteps(of: "sparseformer" | "gfnet"): Promise<Row[]> {
  const pictures = await picturesFor(of);
  const series = { sparseformer: "SparseFormer", gfnet: "GFNet" }[of];
  const model = requireNative(await loadModel(nodeHost, flags[of]!));
  await using classifier = await AdaptiveClassifier.open(nodeHost, model, session);
  const evaluation: StepEvaluation = await stepAccuracy(classifier, pictures);
  const all = evaluation.steps.at(-1)!;
  const matched = cheapestAt(evaluation.curve, all.top1);
  const points = new Set([
    ...representativePoints(evaluation.curve, POINTS),
    ...(matched === undefined ? [] : [matched]),
  ]);
  console.log(`${series}: ${evaluation.steps.map(({ top1 }) => percent(top1)).join(", ")} by steps`);
  return [
    ...[...points].map(({ ratio, thresholds, top1, macs }) => ({
      ...{
        series: `${series}, stopping early`,
        name: `${series}, q = ${ratio}`,
        of,
        thresholds,
        top1,
        macs,
        ms: {},
      },
    })),
    { series: `${series}, whole`, name: `${series}, whole`, of, top1: all.top1, macs: costOf(model), ms: {} },
  ];
}

async function measureTimes(rows: readonly Row[], images: readonly RawImage[]): Promise<void> {
  for (const setting of SETTINGS) {
    const { device, batch, share } = setting;
    const opened = await Promise.all(rows.map((row) => openSubject(row, { device, threads }, batch)));
    const few = images.slice(0, Math.floor(images.length * share));
    const timed = await timeSubjects(
      opened.map(({ subject }) => subject),
      few,
      [batch],
      Number(flags.rounds),
      flags.clock === "processor" ? processorTime : undefined,
    );
    await Promise.all(opened.map(({ classifier }) => classifier.dispose()));
    for (const [i, { ms }] of timed.entries()) rows[i]!.ms[keyOf(setting)] = ms[batch]!;
    console.log(`${keyOf(setting)} is timed`);
  }
}

/** Milliseconds that all threads of this process computed: with one thread of the engine what a run takes where nobody else computes. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function openSubject(
  { name, of, tokens, thresholds, top1, macs }: Row,
  options: { readonly device: Device; readonly threads: number },
  batch: number,
): Promise<{ readonly subject: Subject; readonly classifier: Classifier | AdaptiveClassifier }> {
  const model = await loadModel(nodeHost, flags[of]!, tokens === undefined ? {} : { tokens });
  if (thresholds === undefined) {
    const classifier = await loadClassifier(nodeHost, model, options);
    const answer = (some: readonly RawImage[]) => classifier.scores(some, { batchSize: batch });
    return { classifier, subject: { name, top1, macs, answer } };
  }
  const classifier = await AdaptiveClassifier.open(nodeHost, model, options);
  const answer = (some: readonly RawImage[]) => classifier.scores(some, { thresholds, batchSize: batch });
  return { classifier, subject: { name, top1, macs, answer } };
}

const decoded = new Map<Row["of"], Promise<readonly LabelledPicture[]>>();

/** The pictures with a model's own indices of their labels. */
function picturesFor(of: Row["of"]): Promise<readonly LabelledPicture[]> {
  const known = decoded.get(of) ?? readData(flags[of]!);
  decoded.set(of, known);
  return known;
}

async function readData(model: string): Promise<readonly LabelledPicture[]> {
  const { dataset } = await openForEvaluation(nodeDataFiles, flags.data!, {});
  const chosen = flags.limit === undefined ? dataset : spreadSubset(dataset, Number(flags.limit));
  const { card } = await loadModel(nodeHost, model);
  return readPictures(chosen, card.labels ?? []);
}

const isDrawn = flags.phase === "draw";
if (!isDrawn && (flags.vit === undefined || flags.data === undefined))
  throw new Error("--vit and --data are needed; see the head of this file");
const known = flags.phase === "all" ? undefined : JSON.parse(readFileSync(flags.out, "utf8"));
const pictures = isDrawn ? [] : await picturesFor("vit");
const ownRows = async (of: "sparseformer" | "gfnet") =>
  flags[of] === undefined || flags[of] === "none" ? [] : await measureSteps(of);
// "gfnet": what the file says of the other models stays, and all are timed again, so that times are of one run.
const others: Row[] | undefined =
  flags.phase === "gfnet" ? known.rows.filter(({ of }: Row) => of !== "gfnet") : known?.rows;
const rows: Row[] = [
  ...(others ?? [...(await measureVit()), ...(await ownRows("sparseformer"))]),
  ...(others === undefined || flags.phase === "gfnet" ? await ownRows("gfnet") : []),
];
const report = isDrawn
  ? known
  : {
      date: new Date().toISOString(),
      machine: describeMachine(),
      threads,
      pictures: pictures.length,
      timed_pictures: Number(flags.timed),
      rounds: Number(flags.rounds),
      clock: flags.clock,
      rows,
    };
const write = () => {
  mkdirSync(dirname(flags.out), { recursive: true });
  writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
};
if (!isDrawn) {
  write();
  await measureTimes(rows, spreadSample(pictures, Number(flags.timed)));
  write();
}
console.table(
  rows.map(({ name, top1, macs, ms }) => ({
    name,
    "top-1": percent(top1),
    MMACs: Number((macs / 1e6).toFixed(1)),
    ...Object.fromEntries(Object.entries(ms).map(([key, value]) => [key, Number(value.toFixed(2))])),
  })),
);

/** A line a system. What SparseFormer reaches is in the table: beside it, nobody would see what a reduction costs. */
function seriesOf(key: string): AccuracySeries[] {
  const own = rows.filter(({ of }) => of !== "sparseformer");
  const point = ({ name, top1, ms }: Row) => ({
    x: ms[key]!,
    accuracy: top1,
    title: `${name}: ${percent(top1)}, ${ms[key]!.toFixed(2)} ms`,
  });
  return [...new Set(own.map(({ series }) => series))].map((label) => ({
    label,
    points: own
      .filter(({ series }) => series === label)
      .map(point)
      .toSorted((a, b) => a.x - b.x),
  }));
}

mkdirSync(dirname(flags.plot), { recursive: true });
for (const setting of SETTINGS) {
  const key = keyOf(setting);
  const path =
    setting === SETTINGS[0] ? flags.plot : flags.plot.replace(/\.svg$/, `-${setting.device}-${setting.batch}.svg`);
  writeFileSync(
    path,
    drawAccuracy({
      title: `Accuracy against time: fewer tokens (${key})`,
      xTitle: `milliseconds a picture${report.clock === "processor" ? " (processor time)" : ""}`,
      note: `${report.pictures} pictures; ${report.machine.processor}, ${report.threads} ${report.threads === 1 ? "thread" : "threads"}`,
      series: seriesOf(key),
    }),
  );
}
