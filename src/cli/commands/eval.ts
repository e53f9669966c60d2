// saccade eval: how well a model answers on labelled pictures, and whether it looks at the object.
import { dirname, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { list } from "../../data/dataset.ts";
import { SPLITS, type SplitName } from "../../data/samples.ts";
import { NotFoundError, UsageError } from "../../errors.ts";
import { type Boxes, findBoxesFile, readBoxes } from "../../evaluate/boxes.ts";
import { type EvaluationData, openForEvaluation, spreadSubset } from "../../evaluate/dataset-split.ts";
import { type Evaluation, evaluate } from "../../evaluate/evaluate.ts";
import { evaluationToJson } from "../../evaluate/evaluation-json.ts";
import { drawMistakes } from "../../evaluate/mistake-pictures.ts";
import { renderReport } from "../../evaluate/report.ts";
import { thresholdPoints } from "../../evaluate/steps.ts";
import { findTrainingRun, type TrainingRun } from "../../evaluate/training-run.ts";
import { inspect, summarizeTensors } from "../../model-folder/inspect.ts";
import { loadModel } from "../../model-folder/load.ts";
import { requireOwnFolder, saveEarlyExit } from "../../model-folder/save-early-exit.ts";
import { nodeDataFiles } from "../../platform/node/data-files.ts";
import { nodeHost } from "../../platform/node/host.ts";
import {
  type AdaptiveClassifier,
  isAdaptive,
  loadAdaptiveClassifier,
  looksInSteps,
} from "../../tasks/adaptive-classifier.ts";
import { type Classifier, loadClassifier } from "../../tasks/classifier.ts";
import { version } from "../../version.ts";
import { evaluationText } from "../eval-text.ts";
import {
  addDecodeOption,
  addDeviceOptions,
  addModelOptions,
  addPrecisionOption,
  addResolutionOption,
  addScoresOption,
  addSessionsOption,
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
  sessionsOptions,
} from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { Progress } from "../progress.ts";
import { compact, printable, type Terminal } from "../terminal.ts";

type AnyClassifier = Classifier | AdaptiveClassifier;

interface EvalFlags
  extends ModelOptions,
    DeviceOptions,
    SessionsOptions,
    PrecisionOptions,
    ResolutionOptions,
    ScoresOptions,
    DecodeFlags {
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
  steps?: boolean;
  saveThresholds?: boolean;
}

const MOST_PROBLEMS = 10;

const EXAMPLES = `
DATA has a split of its own (val/CLASS/*.jpg, test/, a list with a split column,
…), or is a folder of class folders. Labels are matched by name: the folder
guinea-pig is the label "guinea pig", and ImageNet's folders (n01440764, or 0 to
999) are the classes of models that have its labels. Boxes of the objects are
found as val-boxes.json beside val/.

Examples:
  $ saccade eval saccade/everyday pictures/
  $ saccade eval runs/flowers/best flowers/ --split test --report flowers.html
  $ saccade eval my-gfnet/ pictures/ --steps --save-thresholds
  $ saccade eval model.onnx photos/ --labels names.txt --json | jq .top1
`;

export function addEval(program: Command, terminal: Terminal): void {
  const command = program
    .command("eval")
    .description("measure a model on labelled pictures")
    .argument("<model>", "registered name, model folder, checkpoint or ONNX file")
    .argument("<data>", "folder, list or archive of labelled pictures")
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
    .option("--batch <n>", "pictures run together", integer(1), 32)
    .addHelpText("after", EXAMPLES);
  addSessionsOption(addDeviceOptions(addModelOptions(command)));
  addScoresOption(addResolutionOption(addPrecisionOption(command)));
  addDecodeOption(command, "exact").action((model: string, data: string, flags: EvalFlags) =>
    runEval(model, data, flags, terminal),
  );
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("It must be a number between 0 and 1.");
  return value;
}

async function runEval(model: string, dataPath: string, flags: EvalFlags, terminal: Terminal): Promise<void> {
  if (flags.report !== undefined) await requirePlaceFor(flags.report);
  await refuseReplacing([flags.report], { models: [model], paths: [dataPath, flags.labels, flags.boxes] });
  const run = await findTrainingRun(nodeHost.files, model);
  const data = await openData(dataPath, run, flags, terminal);
  const labels = flags.labels === undefined ? undefined : await readLines(nodeHost.files, flags.labels);
  const loaded = await loadModel(nodeHost, model, loadOptions(flags, terminal));
  const wantsSteps = flags.steps === true || flags.saveThresholds === true;
  if (wantsSteps && !isAdaptive(loaded))
    throw new UsageError(
      `${loaded.card.name} does not run in steps`,
      `leave --${flags.steps === true ? "steps" : "save-thresholds"} out`,
    );
  const folder = flags.saveThresholds === true ? await folderForThresholds(model, flags) : undefined;
  const inSteps = looksInSteps(loaded) || wantsSteps;
  if (inSteps && flags.sessions !== undefined)
    throw new UsageError(`${loaded.card.name} runs in steps, in one session`, "leave --sessions out");
  await using classifier = await (inSteps ? loadAdaptiveClassifier : loadClassifier)(nodeHost, loaded, {
    ...sessionOptions(flags, terminal),
    ...sessionsOptions(flags, data.dataset.length),
    precision: flags.precision,
    ...(labels === undefined ? {} : { labels }),
    ...(flags.transform === undefined ? {} : { transform: flags.transform }),
    ...(flags.resolution === undefined ? {} : { resolution: flags.resolution }),
    ...(flags.scores === undefined ? {} : { scores: flags.scores }),
  });
  const boxes = await openBoxes(dataPath, data.split, classifier, flags);
  const progress = new Progress(terminal, "pictures", data.dataset.length);
  let shown = 0;
  const evaluation = await evaluate(classifier, data.dataset, {
    files: nodeDataFiles,
    decode: (bytes, options) => nodeHost.decode(bytes, { ...options, decode: flags.decode ?? "exact" }),
    batchSize: flags.batch,
    signal: terminal.signal,
    onProgress(done) {
      progress.advance(done - shown);
      shown = done;
    },
    ...(boxes === undefined ? {} : { boxes }),
  }).finally(() => progress.finish());
  noteFaults(evaluation, boxes, classifier, terminal);
  const { split } = data;
  // First, so that the numbers are there whatever becomes of the files.
  terminal.out(
    flags.json
      ? `${JSON.stringify({ ...evaluationToJson(evaluation), model: classifier.card.name, data: dataPath, split, device: classifier.device, precision: flags.precision })}\n`
      : evaluationText(evaluation, `${classifier.card.name} on ${dataPath}, ${split}`, terminal.columns),
  );
  if (folder !== undefined) await saveThresholds(folder, evaluation, dataPath, terminal);
  if (flags.report !== undefined) {
    await writeReport(flags.report, { model, dataPath, classifier, data, evaluation, run }, terminal);
    terminal.note(`report: ${flags.report}`);
  }
}

/** What cannot be written is said before the pictures are measured, and not afterwards. */
async function requirePlaceFor(report: string): Promise<void> {
  const { files } = nodeHost;
  const parent = dirname(resolve(report));
  if ((await files.stat(parent))?.isDirectory !== true) throw new NotFoundError("folder", parent, "make it first");
  if ((await files.stat(report))?.isDirectory)
    throw new UsageError(`${report} is a folder`, "name a file: --report out.html");
}

/** Thresholds belong to the model as its folder has it. */
async function folderForThresholds(model: string, { config }: EvalFlags): Promise<string> {
  const folder = await requireOwnFolder(nodeHost, model);
  if (config === undefined) return folder;
  throw new UsageError(
    "thresholds of a changed configuration do not fit the model folder",
    "leave --config out, or make a folder of the changed model first: saccade convert",
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
  await saveEarlyExit(nodeHost.files, folder, { data, pictures: accuracy.count, points });
  terminal.note(`thresholds for ${points.length} average budgets: ${nodeHost.files.join(folder, "config.json")}`);
}

async function openData(
  path: string,
  run: TrainingRun | undefined,
  flags: EvalFlags,
  terminal: Terminal,
): Promise<EvaluationData> {
  const seed = flags.seed ?? run?.seed;
  const data = await openForEvaluation(nodeDataFiles, path, {
    ...(flags.split === undefined ? {} : { split: flags.split }),
    ...(flags.validationFraction === undefined ? {} : { validationFraction: flags.validationFraction }),
    ...(run?.validationFraction === undefined ? {} : { heldBack: run.validationFraction }),
    ...(seed === undefined ? {} : { seed }),
  });
  const dataset = flags.limit === undefined ? data.dataset : spreadSubset(data.dataset, flags.limit);
  terminal.note(`${data.split}: ${dataset.describe()}`);
  for (const note of data.notes) terminal.note(note);
  if (data.isUndivided && flags.split === undefined)
    terminal.note(
      "the data is one undivided set, so all of it is measured; if the model was trained on it, measure what training held back: --split validation",
    );
  return { ...data, dataset };
}

async function openBoxes(
  dataPath: string,
  split: SplitName,
  classifier: AnyClassifier,
  flags: EvalFlags,
): Promise<Boxes | undefined> {
  if (flags.boxes !== undefined) return readBoxes(nodeHost.files, flags.boxes);
  if (!classifier.looks) return undefined;
  const found = await findBoxesFile(nodeDataFiles, resolve(dataPath), split);
  return found === undefined ? undefined : readBoxes(nodeHost.files, found);
}

/** What a reader of the numbers must know, and would not see in them. */
function noteFaults(
  { unknownLabels, labelNotes, problems, gaze, accuracy }: Evaluation,
  boxes: Boxes | undefined,
  { looks, card }: AnyClassifier,
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

interface ReportParts {
  readonly model: string;
  readonly dataPath: string;
  readonly classifier: AnyClassifier;
  readonly data: EvaluationData;
  readonly evaluation: Evaluation;
  readonly run: TrainingRun | undefined;
}

async function writeReport(out: string, parts: ReportParts, terminal: Terminal): Promise<void> {
  const { classifier, data, evaluation, run } = parts;
  terminal.status("drawing the report");
  const mistakes = await drawMistakes(classifier, data.dataset, evaluation.accuracy.mistakes, {
    files: nodeDataFiles,
    decode: nodeHost.decode,
    encodePng: nodeHost.encodePng,
    signal: terminal.signal,
  });
  terminal.status("");
  const page = renderReport({
    evaluation,
    card: classifier.card,
    data: parts.dataPath,
    split: data.split,
    facts: [
      ...(await modelFacts(parts.model)),
      ["Data", `${parts.dataPath}: ${data.dataset.describe()}`],
      ["Computed on", classifier.device],
    ],
    metrics: run?.metrics ?? [],
    mistakes,
    footer: `saccade ${version}, ${new Date().toISOString().slice(0, 10)}`,
  });
  await nodeHost.files.writeAtomic(out, page);
}

async function modelFacts(model: string): Promise<[string, string][]> {
  const found = await inspect(nodeHost, model);
  const { elements } = summarizeTensors(found.tensors);
  return [
    ...(found.folder === undefined ? [] : [["Architecture", found.folder.architecture] satisfies [string, string]]),
    ["Parameters", compact(elements)],
    ["File", `${found.path}, ${compact(found.fileBytes, "B")}`],
  ];
}
