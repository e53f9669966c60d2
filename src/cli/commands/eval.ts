// saccade eval: how well a model answers on labelled pictures, and whether it looks at the object.
import { dirname, resolve } from "node:path";
import { type Command, Option } from "commander";
import { list } from "../../data/dataset.ts";
import { SPLITS, type SplitName } from "../../data/samples.ts";
import { NotFoundError, UsageError } from "../../errors.ts";
import type { Boxes } from "../../evaluate/boxes.ts";
import type { Evaluation } from "../../evaluate/evaluate.ts";
import { evaluationToJson } from "../../evaluate/evaluation-json.ts";
import { thresholdPoints } from "../../evaluate/steps.ts";
import { FACE_ALIGNMENTS } from "../../image/align-face.ts";
import { answersOfModel, takesClips } from "../../model-folder/compile.ts";
import { loadModel } from "../../model-folder/load.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import { requireOwnFolder, saveEarlyExit } from "../../model-folder/save-early-exit.ts";
import type { Answers } from "../../models/answers.ts";
import { nodeTrainingHost } from "../../platform/node/training-host.ts";
import type { AdaptiveClassifier } from "../../tasks/classify/adaptive-classifier.ts";
import type { Classifier } from "../../tasks/classify/classifier.ts";
import { SEGMENTATIONS, type Segmentation } from "../../tasks/segment/results.ts";
import { type EvaluateOptions, openEvaluation } from "../../workflows/evaluate.ts";
import { type EvaluateClipsOptions, evaluateClips } from "../../workflows/evaluate-clips.ts";
import { evalDense, refuseForDense } from "../dense-evaluation.ts";
import { modelFacts, writeReport } from "../eval-report.ts";
import { evaluationText } from "../eval-text.ts";
import {
  addDecodeOption,
  addDeviceOptions,
  addModelOptions,
  addPrecisionOption,
  addResolutionOption,
  addScoresOption,
  addSessionsOption,
  addViewsOption,
  type DecodeFlags,
  type DeviceOptions,
  integer,
  loadOptions,
  type ModelOptions,
  type PrecisionOptions,
  type ResolutionOptions,
  readLines,
  type ScoresOptions,
  type SessionsOptions,
  sessionOptions,
  share,
  type ViewsFlags,
} from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { evalPairs, type PairsFlags, rates, requirePairsFlags } from "../pairs-evaluation.ts";
import { Progress } from "../progress.ts";
import { printable, type Terminal } from "../terminal.ts";
import { duration } from "../video-options.ts";

type AnyClassifier = Classifier | AdaptiveClassifier;

interface EvalFlags
  extends ModelOptions,
    DeviceOptions,
    SessionsOptions,
    PrecisionOptions,
    ResolutionOptions,
    ScoresOptions,
    ViewsFlags,
    DecodeFlags,
    PairsFlags {
  split?: SplitName;
  validationFraction?: number;
  seed?: number;
  json?: boolean;
  report?: string;
  boxes?: string;
  labels?: string;
  transform?: string;
  batch: number;
  limit?: number;
  frames?: number;
  clips?: number;
  crops?: number;
  secondsBetweenFrames?: number;
  steps?: boolean;
  saveThresholds?: boolean;
  kind?: Segmentation;
}

const MOST_PROBLEMS = 10;

const EXAMPLES = `
DATA has a split of its own (val/CLASS/*.jpg, test/, a list with a split column,
…), or is a folder of class folders. Labels are matched by name: the folder
guinea-pig is the label "guinea pig", and ImageNet's folders (n01440764, or 0 to
999) are the classes of models that have its labels. Boxes of the objects are
found as val-boxes.json beside val/.

--pairs measures whether a model's embeddings tell if two pictures show the
same. LIST is a CSV with the columns first, second, same (1 or 0) and perhaps
fold, or the same as JSON lines, or the pairs.txt of LFW. --landmarks aligns
faces before: a CSV with path and x1,y1 to x5,y5, the eyes, the nose and the
corners of the mouth, from left to right in the picture.

Detectors and segmenters are measured on annotated data (COCO, Pascal VOC, YOLO,
LabelMe, masks as PNG): COCO's average precision, mIoU, Dice, panoptic quality.

Examples:
  $ saccade eval saccade/photographs pictures/
  $ saccade eval runs/flowers/best flowers/ --split test --report flowers.html
  $ saccade eval my-gfnet/ pictures/ --steps --save-thresholds
  $ saccade eval model.onnx photos/ --labels names.txt --json | jq .top1
  $ saccade eval saccade/photographs panoramas/ --views crops
  $ saccade eval saccade/photographs photos/ --decode fast
  $ saccade eval runs/motion/best clips/
  $ saccade eval my-detector/ coco/ --report found.html
  $ saccade eval my-segmenter/ scans/ --json | jq .semantic.miou
  $ saccade eval my-faces/ --pairs pairs.csv --landmarks points.csv
  $ saccade eval my-model/ --pairs pairs.csv --far 0.1,0.01 --json
`;

export function addEval(program: Command, terminal: Terminal): void {
  const command = program
    .command("eval")
    .description("measure a model on labelled or annotated pictures")
    .argument("<model>", "registered name, model folder, checkpoint or ONNX file")
    .argument("[data]", "folder, list or archive of labelled pictures")
    .addOption(new Option("--split <split>", "which part (default: validation, else test, else train)").choices(SPLITS))
    .option("--json", "one JSON object; shares are fractions from 0 to 1")
    .option("--report <out.html>", "write a page that shows it all: one file, nothing else is needed")
    .option("--boxes <file>", "where the objects are, as JSON (default: SPLIT-boxes.json, if it is there)")
    .option("--steps", "of models with early answers: how right each is, and what stopping early saves")
    .option(
      "--save-thresholds",
      "of models with early answers: write what was solved into the model folder, for --average-macs",
    )
    .option("--limit <n>", "only this many pictures, spread over the data", integer(1))
    .option("--labels <file>", "class names, one a line, instead of the model's own")
    .option("--transform <text>", "preprocessing instead of the model's own")
    .option(
      "--validation-fraction <share>",
      "of undivided data, the share that training kept for validation (default: its run's, else 0.1)",
      share,
    )
    .option("--seed <n>", "that training parted the data with (default: its run's, else 0)", integer(0))
    .option(
      "--frames <n>",
      "videos: frames of a clip (default: the model's; of a model of pictures: 8 averaged)",
      integer(1),
    )
    .option("--clips <n>", "videos: clips of a video, averaged (default: the model's, else 1)", integer(1))
    .option("--crops <n>", "videos: crops of a frame, averaged (default: 1)", integer(1))
    .option("--seconds-between-frames <time>", "videos: in a clip (default: the model's, else spread)", duration)
    .option("--pairs <list>", "pairs of pictures that show the same or not, instead of labelled pictures")
    .option("--landmarks <list>", "of pairs of faces: where their five points are, to align them")
    .addOption(
      new Option("--align <how>", "how faces are aligned (default: eyes-mouth, Light CNN's)").choices(FACE_ALIGNMENTS),
    )
    .option("--far <rates>", "of pairs: false accepts allowed, one or more (default: 0.1,0.01,0.001)", rates)
    .addOption(
      new Option("--kind <kind>", "of segmenters: which way is measured (default: the model's usual one)").choices(
        SEGMENTATIONS,
      ),
    )
    .option("--batch <n>", "pictures run together", integer(1), 32)
    .addHelpText("after", EXAMPLES);
  addSessionsOption(addDeviceOptions(addModelOptions(command)));
  addScoresOption(addResolutionOption(addPrecisionOption(command)));
  addDecodeOption(addViewsOption(command), "exact").action(
    (model: string, data: string | undefined, flags: EvalFlags) => {
      requirePairsFlags({ ...flags }, data);
      return data === undefined ? runPairs(model, flags, terminal) : runEval(model, data, flags, terminal);
    },
  );
}

function runPairs(model: string, flags: EvalFlags, terminal: Terminal): Promise<void> {
  const { batch, transform, resolution, precision, sessions, decode, views } = flags;
  const options = {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    precision,
    batchSize: batch,
    sessions: sessions ?? ("auto" as const),
    ...(transform === undefined ? {} : { transform }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(decode === undefined ? {} : { decode }),
    ...(views === undefined ? {} : { views }),
  };
  return evalPairs(model, flags, options, terminal);
}

async function runEval(model: string, dataPath: string, flags: EvalFlags, terminal: Terminal): Promise<void> {
  if (flags.report !== undefined) await requirePlaceFor(flags.report);
  await refuseReplacing([flags.report], { models: [model], paths: [dataPath, flags.labels, flags.boxes] });
  const folder = flags.saveThresholds === true ? await folderForThresholds(model, flags) : undefined;
  const options = await optionsOf(flags, terminal);
  const loaded = await loadModel(nodeTrainingHost, model, options);
  const views = viewsOf(flags);
  if (isDense(loaded)) {
    refuseForDense({ ...flags, ...viewsOf(flags) });
    const { steps: _, ...ofPlaces } = options;
    return evalDense(model, dataPath, flags, { ...ofPlaces, loaded }, () => modelFacts(model), terminal);
  }
  if (flags.kind !== undefined)
    throw new UsageError("--kind is a way of segmenting, and this model classifies", "leave it out");
  if (takesClips(loaded) || Object.keys(views).length > 0)
    return evalClips(model, dataPath, flags, { ...options, ...views, loaded }, terminal);
  await using opened = await openEvaluation(nodeTrainingHost, model, dataPath, { ...options, loaded });
  const { classifier, data, boxes, run } = opened;
  const progress = new Progress(terminal, "pictures", data.dataset.length);
  const evaluation = await opened.measure((done) => progress.reach(done)).finally(() => progress.finish());
  noteFaults(evaluation, boxes, classifier, terminal);
  const { split } = data;
  // First, so that the numbers are there whatever becomes of the files.
  terminal.out(
    flags.json
      ? `${JSON.stringify({ ...evaluationToJson(evaluation), model: classifier.card.name, data: dataPath, split, device: classifier.device, precision: flags.precision, tokens: flags.tokens, views: flags.views ?? "center" })}\n`
      : evaluationText(evaluation, `${nameOf(classifier.card, flags)} on ${dataPath}, ${split}`, terminal.columns),
  );
  if (folder !== undefined) await saveThresholds(folder, evaluation, dataPath, terminal);
  if (flags.report !== undefined) {
    await writeReport(flags.report, { model, dataPath, classifier, data, evaluation, run }, terminal);
    terminal.note(`report: ${flags.report}`);
  }
}

/** Whether it answers about places in pictures. */
function isDense(model: LoadedModel): boolean {
  return !takesClips(model) && DENSE.includes(answersOfModel(model));
}

const DENSE: readonly Answers[] = ["detections", "semantic", "queries"];

/** The model, and with how many tokens where somebody says so. */
function nameOf({ name }: { readonly name: string }, { tokens }: EvalFlags): string {
  return tokens === undefined ? name : `${name} with tokens ${tokens}`;
}

/** How videos are looked at, where somebody says so. */
function viewsOf({ frames, clips, crops, secondsBetweenFrames }: EvalFlags) {
  const all = { frames, clips, crops, secondsBetweenFrames };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** The same numbers of videos; there is no page of them, and no early answers. */
async function evalClips(
  model: string,
  dataPath: string,
  flags: EvalFlags,
  options: EvaluateClipsOptions,
  terminal: Terminal,
): Promise<void> {
  const wanted = (["report", "boxes", "steps", "saveThresholds", "views"] as const).find((name) => flags[name]);
  if (wanted !== undefined)
    throw new UsageError(
      `--${wanted === "saveThresholds" ? "save-thresholds" : wanted} is of pictures, and these are videos`,
    );
  let progress: Progress | undefined;
  const evaluation = await evaluateClips(nodeTrainingHost, model, dataPath, {
    ...options,
    onProgress(done, total) {
      progress ??= new Progress(terminal, "clips", total);
      progress.reach(done);
    },
  }).finally(() => progress?.finish());
  noteFaults(evaluation, undefined, { looks: false, card: { name: evaluation.model } }, terminal);
  const { split, device, views } = evaluation;
  terminal.note(`each video: ${views}`);
  terminal.out(
    flags.json
      ? `${JSON.stringify({ ...evaluationToJson(evaluation), model: evaluation.model, data: dataPath, split, device, precision: flags.precision, views })}\n`
      : evaluationText(evaluation, `${evaluation.model} on ${dataPath}, ${split}`, terminal.columns),
  );
}

async function optionsOf(flags: EvalFlags, terminal: Terminal): Promise<EvaluateOptions> {
  const {
    split,
    validationFraction,
    seed,
    limit,
    boxes,
    transform,
    resolution,
    precision,
    sessions,
    scores,
    decode,
    views,
  } = flags;
  return {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    precision,
    batchSize: flags.batch,
    steps: flags.steps === true || flags.saveThresholds === true,
    ...(flags.labels === undefined ? {} : { labels: await readLines(nodeTrainingHost.files, flags.labels) }),
    ...(sessions === undefined ? {} : { sessions }),
    ...(split === undefined ? {} : { split }),
    ...(validationFraction === undefined ? {} : { validationFraction }),
    ...(seed === undefined ? {} : { seed }),
    ...(limit === undefined ? {} : { limit }),
    ...(boxes === undefined ? {} : { boxes }),
    ...(transform === undefined ? {} : { transform }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(scores === undefined ? {} : { scores }),
    ...(decode === undefined ? {} : { decode }),
    ...(views === undefined ? {} : { views }),
  };
}

/** What cannot be written is said before the pictures are measured, and not afterwards. */
async function requirePlaceFor(report: string): Promise<void> {
  const { files } = nodeTrainingHost;
  const parent = dirname(resolve(report));
  if ((await files.stat(parent))?.isDirectory !== true) throw new NotFoundError("folder", parent, "make it first");
  if ((await files.stat(report))?.isDirectory)
    throw new UsageError(`${report} is a folder`, "name a file: --report out.html");
}

/** Thresholds belong to the model as its folder has it. */
async function folderForThresholds(model: string, { config, tokens }: EvalFlags): Promise<string> {
  const folder = await requireOwnFolder(nodeTrainingHost, model);
  if (config === undefined && tokens === undefined) return folder;
  throw new UsageError(
    "thresholds of a changed configuration do not fit the model folder",
    `leave --config and --tokens out, or make a folder of the changed model first: saccade convert ${model} FOLDER with the same`,
  );
}

async function saveThresholds(
  folder: string,
  { steps, accuracy }: Evaluation,
  data: string,
  terminal: Terminal,
): Promise<void> {
  const points = thresholdPoints(steps!);
  if (points.length === 0) throw new UsageError("one picture is too little to solve thresholds on");
  await saveEarlyExit(nodeTrainingHost.files, folder, { data, pictures: accuracy.count, points });
  terminal.note(
    `thresholds for ${points.length} average budgets: ${nodeTrainingHost.files.join(folder, "config.json")}`,
  );
}

/** What a reader of the numbers must know, and would not see in them. */
function noteFaults(
  { unknownLabels, labelNotes, problems, gaze, accuracy }: Evaluation,
  boxes: Boxes | undefined,
  { looks, card }: Pick<AnyClassifier, "looks"> & { readonly card: { readonly name: string } },
  terminal: Terminal,
): void {
  for (const note of labelNotes) terminal.note(note);
  if (accuracy.known !== undefined)
    terminal.note(
      `${card.name} does not know ${unknownLabels.length === 1 ? "the label" : `${unknownLabels.length} labels`} ${list(unknownLabels)}: their ${accuracy.count - accuracy.known.count} pictures count as wrong`,
    );
  if (boxes !== undefined && !looks)
    terminal.note(`${card.name} does not look sparsely: there is no gaze to compare with the boxes`);
  else if (boxes !== undefined && gaze === undefined)
    terminal.note(`${boxes.path}: none of its ${boxes.count} boxes belongs to one of these pictures`);
  for (const { name, reason } of problems.slice(0, MOST_PROBLEMS))
    terminal.note(`left out: ${printable(name)}: ${reason}`);
  if (problems.length > MOST_PROBLEMS) terminal.note(`left out: ${problems.length - MOST_PROBLEMS} more`);
}
