// Whether a policy earns its place: accuracy after each look with the places it chooses, with places anywhere and with the middle, and what
// stopping early costs in milliseconds and saves, against taking all looks and against the same backbone on whole pictures. Accuracies take
// minutes and any machine; times take a quiet one, so they can be measured apart; plots are drawn from both.
//
//   npx tsx bench/glance-and-focus.ts --data scenes --run runs/gfnet-scenes --backbone runs/scenes-backbone/best \
//     [--backbone runs/scenes-backbone-128/best] [--phase accuracy|times|draw] [--threads 2] [--timed 128] [--rounds 3] [--out bench/results/glance-and-focus.json] [--plots docs/images]
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { openDataset } from "../src/data/open.ts";
import { type AccuracySeries, drawAccuracy } from "../src/evaluate/bench/plots/accuracy.ts";
import type { StepEvaluation } from "../src/evaluate/steps.ts";
import { usualExtent } from "../src/model-folder/describe.ts";
import { readModelFolder } from "../src/model-folder/load.ts";
import { modelCost } from "../src/models/cost.ts";
import { nodeDataFiles } from "../src/platform/node/data-files.ts";
import { createDataWorkers } from "../src/platform/node/data-workers.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeMachine } from "../src/platform/node/machine.ts";
import { loadAdaptiveClassifier } from "../src/tasks/classify/adaptive-classifier.ts";
import { type Classifier, loadClassifier } from "../src/tasks/classify/classifier.ts";
import { type PatchChoice, validateLooks } from "../src/train/gfnet/validation.ts";
import { validationLoader } from "../src/train/loaders.ts";
import { parseRecipe } from "../src/train/recipe.ts";
import {
  accuracyOf,
  BATCHES,
  cheapestAt,
  exitSubjects,
  ONE_GRAPH,
  POINTS,
  printTimes,
  readPictures,
  representativePoints,
  type Subject,
  shorterSubjects,
  spreadSample,
  stepAccuracy,
  stopsEarly,
  type TimedSubject,
  timePoint,
  timeSubjects,
} from "./exit-times.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string" },
    run: { type: "string" },
    backbone: { type: "string", multiple: true },
    phase: { type: "string", default: "all" },
    threads: { type: "string", default: "2" },
    timed: { type: "string", default: "128" },
    rounds: { type: "string", default: "3" },
    out: { type: "string", default: "bench/results/glance-and-focus.json" },
    plots: { type: "string", default: "docs/images" },
  },
});
const { data, run, backbone } = flags;
if (data === undefined || run === undefined || backbone === undefined)
  throw new Error("--data, --run and --backbone are needed; see the head of this file");
const BACKBONE = "the backbone on the whole scene";
const CHOICES = ["policy", "random", "centre"] as const satisfies readonly PatchChoice[];
const session = { device: "cpu", threads: Number(flags.threads) } as const;

const { validation } = await openDataset(nodeDataFiles, data);
if (validation === undefined) throw new Error(`${data} has no validation pictures`);
// After stage 2 the encoders are those of stage 1, which saw patches anywhere: only the places differ.
const [, afterPolicy, afterTuning] = [1, 2, 3].map((stage) => join(run, `stage-${stage}`)) as [string, string, string];
await using looking = await loadAdaptiveClassifier(nodeHost, join(afterTuning, "best"), session);
await using inOneGraph = await loadClassifier(nodeHost, join(afterTuning, "best"), session);
const wholes = await openBackbones();
const pictures = await readPictures(validation, looking.labels ?? []);

type ByChoice = Readonly<Record<PatchChoice, readonly number[]>>;

/** What needs no quiet machine. */
interface Accuracies extends StepEvaluation {
  /** Accuracy after each look, 0..1. */
  readonly accuracy_by_look: { readonly after_stage_2: ByChoice; readonly after_stage_3: ByChoice };
  /** Of the backbone on whole scenes of each size that one was trained for. */
  readonly backbone: readonly { readonly size: number; readonly macs: number; readonly top1: number }[];
}

interface SizedBackbone {
  readonly size: number;
  /** Multiply-accumulates of a scene of this size. */
  readonly macs: number;
  readonly classifier: Classifier;
}

/** Backbones on whole scenes, which each one's transform shrinks to the size that it was trained for. */
async function openBackbones(): Promise<SizedBackbone[]> {
  const opened = backbone!.map(async (folder): Promise<SizedBackbone> => {
    const { definition, card } = await readModelFolder(nodeHost.files, folder);
    const extent = usualExtent(definition, card.transform);
    const { macs } = modelCost(definition, extent);
    return { size: extent.width, macs, classifier: await loadClassifier(nodeHost, folder, session) };
  });
  return (await Promise.all(opened)).toSorted((a, b) => a.size - b.size);
}

/** Accuracy after each look, 0..1. */
async function accuracyByLook(folder: string, choice: PatchChoice): Promise<readonly number[]> {
  const { definition, weights } = await readModelFolder(nodeHost.files, join(folder, "best"));
  const recipe = parseRecipe(JSON.parse(readFileSync(join(folder, "recipe.json"), "utf8")));
  const loader = validationLoader(validation!, recipe, createDataWorkers(1));
  try {
    const { evaluation } = await validateLooks({
      definition,
      weights,
      loader,
      choice,
      seed: 0,
      createSession: (bytes, more) => nodeHost.createSession(bytes, { ...session, ...more }),
    });
    return evaluation.looks!;
  } finally {
    await loader.dispose();
  }
}

async function byChoice(folder: string): Promise<ByChoice> {
  const policy = await accuracyByLook(folder, "policy");
  const random = await accuracyByLook(folder, "random");
  return { policy, random, centre: await accuracyByLook(folder, "centre") };
}

async function measureAccuracies(): Promise<Accuracies> {
  return {
    accuracy_by_look: { after_stage_2: await byChoice(afterPolicy), after_stage_3: await byChoice(afterTuning) },
    backbone: await Promise.all(
      wholes.map(async ({ size, macs, classifier }) => ({ size, macs, top1: await accuracyOf(classifier, pictures) })),
    ),
    ...(await stepAccuracy(looking, pictures)),
  };
}

/** Early stops, some looks and no more, all of them, and the backbone. */
function subjectsOf({ steps, curve, backbone: bySize }: Accuracies): Subject[] {
  const aims = [steps.at(-1)!, ...bySize].map(({ top1 }) => cheapestAt(curve, top1));
  const matched = aims.flatMap((point) => point ?? []);
  const points = [...new Set([...representativePoints(curve, POINTS), ...matched])].toSorted((a, b) => a.macs - b.macs);
  const looks = (count: number) => (count === 1 ? "the glance alone" : `${count} looks`);
  return [
    ...shorterSubjects(looking, { steps, curve }, looks),
    ...exitSubjects(looking, inOneGraph, { steps, curve }, points),
    ...wholes.map(
      ({ classifier, size }, i): Subject => ({
        name: `${BACKBONE}, ${size} px`,
        ...bySize[i]!,
        answer: (images) => classifier.scores(images, { batchSize: images.length }),
      }),
    ),
  ];
}

const goesOn = flags.phase === "times" || flags.phase === "draw";
const known = goesOn ? JSON.parse(readFileSync(flags.out, "utf8")) : {};
const accuracies: Accuracies = goesOn ? known : await measureAccuracies();
const { steps, curve, accuracy_by_look } = accuracies;
const report: Record<string, unknown> = {
  pictures: pictures.length,
  step_macs: looking.stepMacs,
  steps,
  accuracy_by_look,
  backbone: accuracies.backbone,
  curve,
};
const write = () => {
  mkdirSync(dirname(flags.out), { recursive: true });
  writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
};
write();

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
for (const [stage, choices] of Object.entries(accuracy_by_look))
  for (const choice of CHOICES) console.log(`${stage} ${choice.padEnd(6)} ${choices[choice].map(percent).join("  ")}`);

const LABELS: Record<PatchChoice, string> = { policy: "the policy", random: "anywhere", centre: "the middle" };
const lookSeries = (name: string, accuracies: readonly number[]): AccuracySeries => ({
  label: name,
  points: accuracies.map((accuracy, i) => ({
    x: i + 1,
    accuracy,
    title: `${name}, ${i + 1} looks: ${percent(accuracy)}`,
  })),
});
const setting = `${pictures.length} validation scenes; chance is ${percent(1 / validation.labels.length)}`;
mkdirSync(flags.plots, { recursive: true });
writeFileSync(
  join(flags.plots, "looks.svg"),
  drawAccuracy({
    title: "Accuracy after each look, by where patches are",
    xTitle: "looks, the glance included",
    note: setting,
    series: [
      ...CHOICES.map((choice) => lookSeries(LABELS[choice], accuracy_by_look.after_stage_2[choice])),
      lookSeries("the policy, fine-tuned", accuracy_by_look.after_stage_3.policy),
    ],
    xTicks: steps.map((_, i) => i + 1),
  }),
);

async function measureTimes(): Promise<Record<string, unknown>> {
  return {
    date: new Date().toISOString(),
    machine: describeMachine(),
    threads: session.threads,
    timed_pictures: Number(flags.timed),
    rows: await timeSubjects(
      subjectsOf(accuracies),
      spreadSample(pictures, Number(flags.timed)),
      BATCHES,
      Number(flags.rounds),
    ),
  };
}

if (flags.phase !== "accuracy") {
  const { date, machine, threads, timed_pictures, rows } = flags.phase === "draw" ? known : await measureTimes();
  Object.assign(report, { date, machine, threads, timed_pictures, rows });
  write();
  printTimes(rows);
  writeFileSync(join(flags.plots, "early-exit.svg"), drawTimes(rows, `${machine.processor}, ${threads} threads`));
}

/** Accuracy against time, one scene at a time. Patches anywhere and in the middle are given the time of as many looks of the policy. */
function drawTimes(rows: readonly TimedSubject[], machine: string): string {
  const isWhole = ({ name }: TimedSubject) => name.startsWith(BACKBONE);
  const looks = rows.filter((row) => !stopsEarly(row) && !isWhole(row) && row.name !== ONE_GRAPH);
  const byLooks = (choice: PatchChoice) => ({
    label: LABELS[choice],
    points: looks.map(({ ms }, i) => {
      const accuracy = accuracy_by_look.after_stage_3[choice][i]!;
      return { x: ms[1]!, accuracy, title: `${LABELS[choice]}, ${i + 1} looks: ${percent(accuracy)}` };
    }),
  });
  return drawAccuracy({
    title: "Accuracy against time: looking around, and the whole scene at once",
    xTitle: "milliseconds a scene, one at a time",
    note: `${machine}; ${setting}`,
    series: [
      { label: "stopping early", points: rows.filter(stopsEarly).map(timePoint) },
      ...CHOICES.map(byLooks),
      { label: "the backbone, whole", points: rows.filter(isWhole).map(timePoint) },
    ],
  });
}

await Promise.all(wholes.map(({ classifier }) => classifier.dispose()));
