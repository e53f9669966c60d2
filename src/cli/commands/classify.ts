// saccade classify: what is in these pictures, and where the model looked.
import type { Command } from "commander";
import { UsageError } from "../../errors.ts";
import { drawGaze } from "../../image/explain.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { type Classifier, type ClassifyOptions, loadClassifier } from "../../tasks/classifier.ts";
import { readPicture } from "../../tasks/pictures.ts";
import type { ClassificationResult } from "../../tasks/results.ts";
import { DEFAULT_MODEL } from "../default-model.ts";
import {
  addDeviceOptions,
  addModelOptions,
  type DeviceOptions,
  integer,
  loadOptions,
  type ModelOptions,
  readLines,
  sessionOptions,
} from "../options.ts";
import { answerInBatches } from "../picture-batches.ts";
import { expandPictures, type NamedPicture } from "../picture-paths.ts";
import { Progress } from "../progress.ts";
import { describeError, type Terminal } from "../terminal.ts";

interface ClassifyFlags extends ModelOptions, DeviceOptions {
  topK: number;
  json?: boolean;
  explain?: string;
  labels?: string;
  transform?: string;
  batch: number;
}

const EXAMPLES = `
Examples:
  $ saccade classify photo.jpg
  $ saccade classify photo.jpg --explain looked.png
  $ saccade classify holiday/ --json > answers.jsonl
  $ saccade classify "shots/*.jpg" --model sparseformer_v1_tiny --top-k 3
  $ cat photo.jpg | saccade classify -
`;

export function addClassify(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program
    .command("classify")
    .description("say what is in pictures")
    .argument("<path...>", "pictures, folders, globs, or - for standard input")
    .option("-m, --model <model>", "registered name, model folder, checkpoint or ONNX file", DEFAULT_MODEL)
    .option("-k, --top-k <n>", "how many predictions a picture", integer(1), 5)
    .option("--json", "one JSON object a line and picture")
    .option("--explain <out.png>", "draw where the model looked; with several pictures, a folder")
    .option("--labels <file>", "class names, one a line, instead of the model's own")
    .option(
      "--transform <text>",
      "preprocessing instead of the model's own, such as resize_small(256)|central_crop(224)|normalize(imagenet)",
    )
    .option("--batch <n>", "pictures run together", integer(1), 8)
    .addHelpText("after", EXAMPLES);
  addDeviceOptions(addModelOptions(command)).action((paths: string[], flags: ClassifyFlags) =>
    classify(paths, flags, terminal, finish),
  );
}

async function classify(
  paths: string[],
  flags: ClassifyFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  const pictures = await expandPictures(nodeHost, paths, terminal);
  const labels = flags.labels === undefined ? undefined : await readLines(nodeHost.files, flags.labels);
  await using classifier = await loadClassifier(nodeHost, flags.model ?? DEFAULT_MODEL, {
    ...loadOptions(flags),
    ...sessionOptions(flags, terminal),
    ...(labels === undefined ? {} : { labels }),
    ...(flags.transform === undefined ? {} : { transform: flags.transform }),
  });
  if (flags.explain !== undefined && !classifier.looks)
    throw new UsageError(
      `${classifier.card.name} does not look sparsely: there is nothing to draw`,
      "leave --explain out, or take a SparseFormer",
    );
  const explain = flags.explain === undefined ? undefined : await explainTarget(flags.explain, pictures.length);
  const options: ClassifyOptions = {
    topK: flags.topK,
    batchSize: flags.batch,
    signal: terminal.signal,
    explain: explain !== undefined,
  };
  const progress = new Progress(terminal, "pictures", pictures.length);
  let failures = 0;
  const answer = (pixels: readonly RawImage[]) => classifier.classify(pixels, options);
  const { signal } = terminal;
  for await (const { picture, ...answered } of answerInBatches(nodeHost, pictures, flags.batch, answer, { signal })) {
    progress.advance();
    if (answered.error !== undefined) {
      failures++;
      const { code, message } = answered.error;
      if (flags.json) terminal.out(`${JSON.stringify({ path: picture.name, error: { code, message } })}\n`);
      terminal.note(`${picture.name}: ${describeError(answered.error).replace(/^saccade: /, "")}`);
      continue;
    }
    const result = answered.answer;
    const drawn = explain === undefined ? undefined : await draw(picture, result, explain(picture.name));
    terminal.out(
      flags.json
        ? jsonLine(picture.name, classifier, result, drawn)
        : textBlock(picture.name, result, pictures.length > 1, drawn),
    );
  }
  const { done, seconds, rate } = progress.finish();
  if (done > 1 && seconds > 2)
    terminal.note(`${done} pictures in ${seconds.toFixed(1)} s, ${rate.toFixed(1)} pictures/s`);
  if (failures > 0) {
    terminal.note(`saccade: ${failures} of ${pictures.length} pictures could not be read`);
    finish(1);
  }
}

/** Where the drawing of a picture goes: the file itself for one picture, a file in the folder for several. */
async function explainTarget(out: string, count: number): Promise<(name: string) => string> {
  const isPng = /\.png$/i.test(out);
  if (count === 1 && isPng) return () => out;
  if (isPng)
    throw new UsageError(
      `--explain ${out}: ${count} pictures need a folder, not one file`,
      "give a path that does not end in .png",
    );
  await nodeHost.files.makeDirectory(out);
  const taken = new Map<string, number>();
  return (name) => {
    const base = name.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "") || "picture";
    const seen = taken.get(base) ?? 0;
    taken.set(base, seen + 1);
    return nodeHost.files.join(out, `${base}${seen === 0 ? "" : `-${seen + 1}`}.png`);
  };
}

async function draw(picture: NamedPicture, result: ClassificationResult, out: string): Promise<string> {
  const pixels = await readPicture(nodeHost, picture.source);
  const headline = result.predictions.slice(0, 3).map(({ label, score }) => `${label} ${percent(score)}`);
  const drawing = drawGaze(pixels, result.gaze!, { headline });
  await nodeHost.files.writeAtomic(out, await nodeHost.encodePng(drawing));
  return out;
}

function percent(score: number): string {
  return `${(100 * score).toFixed(score >= 0.0995 ? 0 : 1)} %`;
}

function textBlock(name: string, result: ClassificationResult, several: boolean, drawn: string | undefined): string {
  const indent = several ? "  " : "";
  const lines = result.predictions.map(({ label, score }) => `${indent}${percent(score).padStart(6)}  ${label}`);
  if (drawn !== undefined) lines.push(`${indent}where it looked: ${drawn}`);
  return `${several ? `${name}\n` : ""}${lines.join("\n")}\n`;
}

function jsonLine(
  name: string,
  classifier: Classifier,
  result: ClassificationResult,
  drawn: string | undefined,
): string {
  const gaze = result.gaze && {
    view_to_picture: result.gaze.viewToPicture,
    stages: result.gaze.stages.map((stage) => ({
      name: stage.name,
      tokens: stage.tokens,
      points_per_token: stage.pointsPerToken,
      regions: Array.from(stage.regions),
      points: Array.from(stage.points),
    })),
  };
  return `${JSON.stringify({ path: name, model: classifier.card.name, device: classifier.device, predictions: result.predictions, gaze, explained: drawn })}\n`;
}
