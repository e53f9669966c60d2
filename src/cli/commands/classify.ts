// saccade classify: what is in these pictures or videos, and where the model looked.
import type { Command } from "commander";
import { UsageError } from "../../errors.ts";
import { explanationSheet, headlineOf } from "../../evaluate/explanation-sheet.ts";
import { percent } from "../../evaluate/percent.ts";
import { encodeSheet } from "../../evaluate/sheet-file.ts";
import { describeUnseen } from "../../image/seen-share.ts";
import { loadModel } from "../../model-folder/load.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import { loadSharp } from "../../platform/node/decode.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { AdaptiveClassifier, isAdaptive, looksInSteps } from "../../tasks/classify/adaptive-classifier.ts";
import { type Classifier, loadClassifier } from "../../tasks/classify/classifier.ts";
import { type AnyClassification, classificationToJson } from "../../tasks/classify/result-json.ts";
import type { Prediction } from "../../tasks/classify/results.ts";
import { DEFAULT_DECODING } from "../../tasks/engine/engine.ts";
import { readPicture } from "../../tasks/engine/pictures.ts";
import { classifierLooker } from "../../tasks/stream/looker.ts";
import { goesFrameByFrame } from "../../tasks/stream/online-looker.ts";
import { loadStream, StreamClassifier } from "../../tasks/stream/stream-classifier.ts";
import { addStreamOptions, classifyStream, refuseStreamFlags, type StreamFlags } from "../classify-stream.ts";
import { classifyVideos, isAboutVideos } from "../classify-videos.ts";
import { DEFAULT_MODEL } from "../default-model.ts";
import { drawingPaths, formatOf } from "../drawing-file.ts";
import { addExitOptions, type ExitFlags, exitOptions, hasExitOptions, refuseExitOptions } from "../exit-options.ts";
import { describeSteps } from "../looks.ts";
import { addNamingOptions, labelsGiven, NAMING_MODEL, type NamingFlags, openNaming } from "../naming-options.ts";
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
  sessionsOptions,
  type ViewsFlags,
} from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { PictureFailures } from "../picture-failures.ts";
import { FROM_FILE_HELP } from "../picture-list.ts";
import { expandPictures, type NamedPicture, underNames } from "../picture-paths.ts";
import { Progress } from "../progress.ts";
import { streamSourceOf } from "../stream-source.ts";
import { printable, type Terminal } from "../terminal.ts";
import { addVideoOptions, hasVideoOptions, type VideoFlags } from "../video-options.ts";

interface ClassifyFlags
  extends ModelOptions,
    DeviceOptions,
    SessionsOptions,
    PrecisionOptions,
    ResolutionOptions,
    ScoresOptions,
    ViewsFlags,
    DecodeFlags,
    ExitFlags,
    StreamFlags,
    NamingFlags,
    VideoFlags {
  topK: number;
  json?: boolean;
  explain?: string;
  labels?: string;
  fromFile?: string;
  transform?: string;
  batch: number;
}

const EXAMPLES = `
Examples:
  $ saccade classify photo.jpg
  $ saccade classify photo.jpg --explain looked.png
  $ saccade classify photo.jpg --model my-vit --tokens merge=9:tome
  $ saccade classify holiday/ --json > answers.jsonl
  $ saccade classify "shots/*.jpg" --model sparseformer_v1_tiny --top-k 3
  $ saccade classify panorama.jpg --views crops
  $ saccade classify photo.jpg --transform "resize(112,112)|normalize(imagenet)"
  $ cat photo.jpg | saccade classify -
  $ saccade classify archive/ --json --sessions 4 --threads 2 > answers.jsonl
  $ saccade classify archive/ --decode exact
  $ find archive/ -name "*.jpg" -print0 | saccade classify --from-file -

Videos: a model of videos sees clips; a model of pictures sees frames one by
one, and its answers are averaged. A folder of pictures is a video where one of
the options for videos is there.
  $ saccade classify clip.mp4
  $ saccade classify film.mkv --every 1s --srt > film.srt
  $ saccade classify recordings/ --every 5s --csv > timeline.csv
  $ saccade classify clip.mp4 --explain looked.mp4
  $ saccade classify clip.mp4 --model my-video-model --clips 4 --crops 3
  $ saccade classify frames/ --frames 16 --frame-rate 30

CLIP models name pictures by text: the labels come with the command.
  $ saccade classify photo.jpg --as "a sheep, a boat, a dog"
  $ saccade classify photo.jpg --as-file birds.txt --template "{a}, a bird"

A GFNet looks at the whole picture first, then at patches of it, and stops when
it is sure or has spent its budget. A SparseFormer with an early answer, such as
the bundled model, leaves out the rest of its layers when that answer is sure:
  $ saccade classify photo.jpg --model gfnet.pth.tar --threshold 0.9
  $ saccade classify photo.jpg --model gfnet.pth.tar --budget-ms 50
  $ saccade classify holiday/ --threshold 0.8

A camera, an address, standard input or a video file is followed frame by frame;
the model looks where the picture changed, and the answer stands in between:
  $ saccade classify --stream camera
  $ saccade classify --stream rtsp://192.168.1.20/stream --json > answers.jsonl
  $ saccade classify --stream clip.mp4 --realtime --explain looked.png
  $ ffmpeg -i clip.mkv -c copy -f mpegts - | saccade classify --stream -
`;

export function addClassify(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program
    .command("classify")
    .description("say what is in pictures and videos")
    .argument("[path...]", "pictures or videos, folders, globs, or - for standard input")
    .option("--from-file <list>", FROM_FILE_HELP)
    .option("-m, --model <model>", "registered name, model folder, checkpoint or ONNX file", DEFAULT_MODEL)
    .option("-k, --top-k <n>", "how many predictions a picture", integer(1), 5)
    .option("--json", "one JSON object a line and picture")
    .option(
      "--explain <out>",
      "draw where the model looked, or which tokens it went on with, as .png, .svg or .html, of videos as .mp4, .webp or .html; with several, a folder",
    )
    .option("--labels <file>", "class names, one a line, instead of the model's own")
    .option(
      "--transform <text>",
      "preprocessing instead of the model's own, such as resize(224,224)|normalize(imagenet)",
    )
    .option("--batch <n>", "pictures run together", integer(1), 8)
    .addHelpText("after", EXAMPLES);
  addSessionsOption(addDeviceOptions(addModelOptions(addExitOptions(command))));
  addScoresOption(addResolutionOption(addPrecisionOption(command)));
  addStreamOptions(addVideoOptions(command));
  addDecodeOption(addViewsOption(addNamingOptions(command)), DEFAULT_DECODING).action(
    async (paths: string[], flags: ClassifyFlags) => {
      const namesByText = flags.as !== undefined || flags.asFile !== undefined;
      const isOwnChoice = (option: string) => command.getOptionValueSource(option) !== "default";
      const model = namesByText && !isOwnChoice("model") ? NAMING_MODEL : (flags.model ?? DEFAULT_MODEL);
      if (flags.stream) return stream(paths, { ...flags, model }, terminal);
      refuseStreamFlags(flags);
      if (!(await isAboutVideos(paths, { ...flags, model })))
        return classify(paths, { ...flags, model }, terminal, finish);
      const { batch, ...others } = flags;
      const asked = isOwnChoice("batch") ? { batch } : {};
      return classifyVideos(paths, { ...others, ...asked, model }, terminal, finish);
    },
  );
}

async function stream(paths: string[], flags: ClassifyFlags, terminal: Terminal): Promise<void> {
  if (hasVideoOptions(flags))
    throw new UsageError("options for clips say nothing of a stream", "leave them or --stream out");
  const source = streamSourceOf(paths, flags);
  if (flags.explain !== undefined)
    await refuseReplacing([flags.explain], { models: [flags.model], paths: [source, flags.labels, flags.asFile] });
  const labels = flags.labels === undefined ? undefined : await readLines(nodeHost.files, flags.labels);
  const following = {
    topK: flags.topK,
    always: flags.everyFrame === true,
    explain: flags.explain !== undefined,
    signal: terminal.signal,
  };
  const open = async () => {
    const model = await loadModel(nodeHost, flags.model ?? DEFAULT_MODEL, loadOptions(flags, terminal));
    const steps = flags.steps === true;
    if (!steps && !goesFrameByFrame(model)) {
      const classifier = await openLoaded(model, { ...flags, sessions: 1 }, labels, 1, terminal);
      return new StreamClassifier(classifierLooker(classifier, exitOptions(flags)), following);
    }
    if (hasExitOptions(flags) || (await labelsGiven(flags)) !== undefined || (steps && flags.everyFrame))
      throw new UsageError(
        steps
          ? "--steps leaves nothing for --every-frame, --as and what stops a look early"
          : `${model.card.name} sees frame by frame, in full and with its own classes`,
        steps ? "leave it out" : "leave out --as and what stops a look early",
      );
    return loadStream(nodeHost, model, { ...modelOptions(flags, labels, terminal), ...following, steps });
  };
  await classifyStream(source, flags, open, terminal);
}

async function classify(
  paths: string[],
  flags: ClassifyFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  const { pictures, problems } = await expandPictures(nodeHost, { paths, fromFile: flags.fromFile }, terminal);
  const drawings = flags.explain === undefined ? undefined : await drawingPaths(flags.explain, pictures);
  await refuseReplacing(drawings === undefined ? [] : [...drawings.paths.values()], {
    models: [flags.model],
    paths: [...pictures.map(({ name }) => name), flags.labels, flags.fromFile, flags.asFile],
  });
  const labels = flags.labels === undefined ? undefined : await readLines(nodeHost.files, flags.labels);
  await using classifier = await openClassifier(flags, labels, pictures.length, terminal);
  const isInSteps = classifier instanceof AdaptiveClassifier;
  if (flags.explain !== undefined && !isInSteps && !classifier.looks && !classifier.reducesTokens)
    throw new UsageError(
      `${classifier.card.name} does not look sparsely: there is nothing to draw`,
      "leave --explain out, or take a SparseFormer, a GFNet, or a ViT or DeiT with fewer tokens (--tokens)",
    );
  if (drawings !== undefined && drawings.folder !== undefined) await nodeHost.files.makeDirectory(drawings.folder);
  const options = {
    topK: flags.topK,
    batchSize: flags.batch,
    explain: drawings !== undefined,
    signal: terminal.signal,
    ...(flags.decode === undefined ? {} : { decode: flags.decode }),
  };
  const progress = new Progress(terminal, "pictures", pictures.length);
  const failures = new PictureFailures(terminal, flags.json);
  for (const { name, error } of problems) failures.add(name, error);
  const answers = underNames<AnyClassification>(pictures, (sources) =>
    isInSteps
      ? classifier.classifyAll(sources, { ...options, ...exitOptions(flags) })
      : classifier.classifyAll(sources, options),
  );
  for await (const { source: picture, ...answered } of answers) {
    if (terminal.outputClosed && drawings === undefined) break;
    progress.advance();
    if (answered.error !== undefined) {
      failures.add(picture.name, answered.error);
      continue;
    }
    const result = answered.answer;
    const drawn = drawings === undefined ? undefined : await draw(picture, result, drawings.paths.get(picture)!);
    terminal.out(
      flags.json
        ? jsonLine(picture.name, classifier, result, drawn)
        : textBlock(picture.name, classifier, result, pictures.length > 1, drawn),
    );
  }
  const { done, seconds, rate } = progress.finish();
  if (done > 1 && seconds > 2)
    terminal.note(
      `${done} pictures in ${seconds.toFixed(1)} s, ${rate.toFixed(1)} pictures/s${layoutText(classifier)}`,
    );
  if (!failures.finish(pictures.length + problems.length)) finish(1);
}

/** ", 2 sessions x 1 thread" */
function layoutText(classifier: Classifier | AdaptiveClassifier): string {
  if (classifier instanceof AdaptiveClassifier || classifier.layout.sessions === 1) return "";
  const { sessions, threads } = classifier.layout;
  return `, ${sessions} sessions x ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

/** What any kind of classifier is loaded with. */
function modelOptions(flags: ClassifyFlags, labels: readonly string[] | undefined, terminal: Terminal) {
  return {
    ...sessionOptions(flags, terminal),
    precision: flags.precision,
    ...(labels === undefined ? {} : { labels }),
    ...(flags.transform === undefined ? {} : { transform: flags.transform }),
    ...(flags.resolution === undefined ? {} : { resolution: flags.resolution }),
    ...(flags.views === undefined ? {} : { views: flags.views }),
    ...(flags.scores === undefined ? {} : { scores: flags.scores }),
  };
}

/** A model in steps as one that can stop between them, any other as a whole. */
async function openClassifier(
  flags: ClassifyFlags,
  labels: readonly string[] | undefined,
  expectedPictures: number,
  terminal: Terminal,
): Promise<Classifier | AdaptiveClassifier> {
  const noSession = nodeHost.expectSession();
  try {
    const model = await loadModel(nodeHost, flags.model ?? DEFAULT_MODEL, loadOptions(flags, terminal));
    const opening = openLoaded(model, flags, labels, expectedPictures, terminal);
    // Meanwhile this thread has nothing to do. What is wrong with the decoder is said of the pictures that need it.
    void loadSharp().catch(() => undefined);
    return await opening;
  } finally {
    noSession();
  }
}

async function openLoaded(
  model: LoadedModel,
  flags: ClassifyFlags,
  labels: readonly string[] | undefined,
  expectedPictures: number,
  terminal: Terminal,
): Promise<Classifier | AdaptiveClassifier> {
  const options = modelOptions(flags, labels, terminal);
  const given = await labelsGiven(flags);
  if (given !== undefined) {
    refuseWithLabels(flags);
    return openNaming(model, given, flags, { ...options, ...sessionsOptions(flags, expectedPictures) });
  }
  const stopsEarly = hasExitOptions(flags);
  if (looksInSteps(model) || (stopsEarly && isAdaptive(model))) {
    if (flags.sessions !== undefined && !flags.stream)
      throw new UsageError(`${model.card.name} runs in steps, in one session`, "leave --sessions out");
    return AdaptiveClassifier.open(nodeHost, model, options);
  }
  if (stopsEarly) refuseExitOptions(flags, model.card.name);
  return loadClassifier(nodeHost, model, { ...options, ...sessionsOptions(flags, expectedPictures) });
}

/** What is about a model's own classes says nothing of labels that are given. */
function refuseWithLabels(flags: ClassifyFlags): void {
  if (flags.labels !== undefined) throw new UsageError("--labels names the model's own classes, and --as gives others");
  if (flags.scores !== undefined)
    throw new UsageError("--scores is for the model's own classes, and --as gives others");
  refuseExitOptions(flags, "a model that names by text");
}

async function draw(picture: NamedPicture, result: AnyClassification, out: string): Promise<string> {
  const pixels = await readPicture(nodeHost, picture.source);
  const sheet = explanationSheet(pixels, result, headlineOf(result));
  await nodeHost.files.writeAtomic(out, await encodeSheet(sheet, formatOf(out), nodeHost));
  return out;
}

function textBlock(
  name: string,
  classifier: Classifier | AdaptiveClassifier,
  result: AnyClassification,
  several: boolean,
  drawn: string | undefined,
): string {
  const indent = several ? "  " : "";
  const [nearest] = result.predictions;
  const named = result.predictions.map(
    ({ label, score }) => `${indent}${percent(score).padStart(6)}  ${printable(label)}`,
  );
  const lines =
    result.unknown === true && nearest !== undefined ? unknownLines(nearest, indent, named, classifier) : named;
  const { steps, stopped } = result;
  if (steps !== undefined && stopped !== undefined && classifier instanceof AdaptiveClassifier)
    lines.push(`${indent}${describeSteps({ steps, stopped }, classifier.steps.length)}`);
  const unseen = describeUnseen(result.seen);
  if (unseen !== undefined) lines.push(`${indent}${unseen}`);
  if (drawn !== undefined)
    lines.push(`${indent}${result.tokens === undefined ? "where it looked" : "its tokens"}: ${printable(drawn)}`);
  return `${several ? `${printable(name)}\n` : ""}${lines.join("\n")}\n`;
}

/** A head that learnt what strangers are like is believed; a mere lack of confidence leaves the guesses of interest. */
function unknownLines(
  { label }: Prediction,
  indent: string,
  named: readonly string[],
  { card: { unknownBelow } }: Classifier | AdaptiveClassifier,
): string[] {
  return unknownBelow === undefined
    ? [`${indent}unknown (nearest: ${printable(label)})`]
    : [`${indent}unknown: no answer is ${percent(unknownBelow)} sure. The likeliest are`, ...named];
}

function jsonLine(
  name: string,
  classifier: Classifier | AdaptiveClassifier,
  result: AnyClassification,
  drawn: string | undefined,
): string {
  return `${JSON.stringify({
    path: name,
    model: classifier.card.name,
    device: classifier.device,
    ...classificationToJson(result),
    explained: drawn,
  })}\n`;
}
