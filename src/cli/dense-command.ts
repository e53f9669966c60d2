// What `detect` and `segment` share: pictures in; lines or one COCO document out, drawings into files.
import type { Command } from "commander";
import type { CocoFinding } from "../boxes/coco.ts";
import { type DrawnPart, drawParts } from "../boxes/draw.ts";
import type { PictureSize } from "../image/raw-image.ts";
import { describeUnseen } from "../image/seen-share.ts";
import type { ModelCard } from "../model-folder/model.ts";
import { nodeHost } from "../platform/node/host.ts";
import type { ActualDevice } from "../runtime/session.ts";
import type { DenseOptions } from "../tasks/engine/dense-views.ts";
import { DEFAULT_DECODING } from "../tasks/engine/engine.ts";
import type { Answered } from "../tasks/engine/picture-stream.ts";
import { type PictureSource, readPicture } from "../tasks/engine/pictures.ts";
import { CocoOutput } from "./coco-output.ts";
import { addDenseStreamOptions, type DenseStreamFlags } from "./dense-stream.ts";
import { drawingPaths, savePartsDrawing } from "./drawing-file.ts";
import {
  addDecodeOption,
  addDeviceOptions,
  addModelOptions,
  addPrecisionOption,
  addResolutionOption,
  addSessionsOption,
  addViewsOption,
  type DecodeFlags,
  integer,
  loadOptions,
  type ModelOptions,
  nameList,
  type PrecisionOptions,
  type ResolutionOptions,
  readLines,
  type SessionsOptions,
  sessionOptions,
  sessionsOptions,
  share,
  type ViewsFlags,
} from "./options.ts";
import { refuseReplacing } from "./outputs.ts";
import { PictureFailures } from "./picture-failures.ts";
import { FROM_FILE_HELP } from "./picture-list.ts";
import { expandPictures, type NamedPicture, underNames } from "./picture-paths.ts";
import { Progress } from "./progress.ts";
import { printable, type Terminal } from "./terminal.ts";

export interface DenseFlags
  extends ModelOptions,
    SessionsOptions,
    PrecisionOptions,
    ResolutionOptions,
    ViewsFlags,
    DecodeFlags,
    DenseStreamFlags {
  model: string;
  threshold?: number;
  only?: string[];
  labels?: string;
  batch: number;
}

/** The options of both. */
export function addDenseOptions(command: Command, threshold: string): Command {
  const shared = command
    .argument("[path...]", "pictures, folders, globs, or - for standard input")
    .requiredOption("-m, --model <model>", "registered name, model folder, checkpoint or ONNX file")
    .option("--from-file <list>", FROM_FILE_HELP)
    .option("--threshold <share>", threshold, share)
    .option("--only <labels>", "labels that are of interest, with commas between", nameList)
    .option("--json", "one COCO document: annotations with scores, images and categories; of --stream a line a frame")
    .option("--draw <out>", "draw what was found, as .png or .jpg; with several pictures, a folder")
    .option("--labels <file>", "class names, one a line, instead of the model's own")
    .option("--transform <text>", "preprocessing instead of the model's own")
    .option("--batch <n>", "pictures run together", integer(1), 8);
  addDenseStreamOptions(shared);
  addSessionsOption(addDeviceOptions(addModelOptions(shared)));
  return addDecodeOption(addViewsOption(addResolutionOption(addPrecisionOption(shared))), DEFAULT_DECODING);
}

/** A task as the commands hold it. */
interface DenseTask extends AsyncDisposable {
  readonly card: ModelCard;
  readonly labels: readonly string[] | undefined;
  readonly device: ActualDevice;
}

interface DenseAnswer {
  readonly picture: PictureSize;
  readonly seen: number;
}

/** What is the command's own. */
export interface DenseCommand<T extends DenseTask, A extends DenseAnswer> {
  open(options: DenseOptions): Promise<T>;
  answers(task: T, pictures: readonly PictureSource[]): AsyncGenerator<Answered<PictureSource, A>>;
  /** Of the run, for the document. */
  info(task: T): Readonly<Record<string, string>>;
  /** Each without a line break. */
  lines(answer: A): readonly string[];
  findings(answer: A): readonly CocoFinding[];
  parts(answer: A): readonly DrawnPart[];
  /** The bytes of the file that `--masks` asks for. */
  maskFile?(answer: A): Uint8Array;
}

/** Batches, names, failures and files of a command. `finish` hears the exit code 1 where a picture could not be read. */
export async function runDense<T extends DenseTask, A extends DenseAnswer>(
  paths: string[],
  flags: DenseFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
  command: DenseCommand<T, A>,
): Promise<void> {
  const { pictures, problems } = await expandPictures(nodeHost, { paths, fromFile: flags.fromFile }, terminal);
  const drawings = flags.draw === undefined ? undefined : await drawingPaths(flags.draw, pictures, "parts");
  const masks = flags.masks === undefined ? undefined : await drawingPaths(flags.masks, pictures, "masks");
  await refuseReplacing([...(drawings?.paths.values() ?? []), ...(masks?.paths.values() ?? [])], {
    models: [flags.model],
    paths: [...pictures.map(({ name }) => name), flags.labels, flags.fromFile],
  });
  await using task = await command.open(await optionsOf(flags, pictures.length, terminal));
  for (const folder of [drawings?.folder, masks?.folder])
    if (folder !== undefined) await nodeHost.files.makeDirectory(folder);
  const progress = new Progress(terminal, "pictures", pictures.length);
  const failures = new PictureFailures(terminal);
  for (const { name, error } of problems) failures.add(name, error);
  const document =
    flags.json === true ? new CocoOutput((text) => terminal.out(text), command.info(task), task.labels) : undefined;
  for await (const { source: picture, answer, error } of underNames(pictures, (sources) =>
    command.answers(task, sources),
  )) {
    if (terminal.outputClosed && drawings === undefined && masks === undefined) break;
    progress.advance();
    if (error !== undefined) {
      failures.add(picture.name, error);
      continue;
    }
    const files = {
      ...written("drawn", await drawn(picture, command.parts(answer), drawings?.paths.get(picture))),
      ...written("masks", await saved(() => command.maskFile!(answer), masks?.paths.get(picture))),
    };
    if (document !== undefined) document.add(picture.name, answer.picture, command.findings(answer), files);
    else terminal.out(textBlock(picture.name, command.lines(answer), answer.seen, files, pictures.length > 1));
  }
  document?.end();
  const { done, seconds, rate } = progress.finish();
  if (done > 1 && seconds > 2)
    terminal.note(`${done} pictures in ${seconds.toFixed(1)} s, ${rate.toFixed(1)} pictures/s`);
  if (!failures.finish(pictures.length + problems.length)) finish(1);
}

/** What a model is opened with; a stream wants one picture at a time. */
export async function optionsOf(
  flags: DenseFlags,
  expectedPictures: number,
  terminal: Terminal,
): Promise<DenseOptions> {
  const labels = flags.labels === undefined ? undefined : await readLines(nodeHost.files, flags.labels);
  return {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    ...sessionsOptions(flags, expectedPictures),
    precision: flags.precision,
    ...(labels === undefined ? {} : { labels }),
    ...(flags.resolution === undefined ? {} : { resolution: flags.resolution }),
    ...(flags.views === undefined ? {} : { views: flags.views }),
  };
}

const written = (what: "drawn" | "masks", path: string | undefined) => (path === undefined ? {} : { [what]: path });

async function drawn(
  picture: NamedPicture,
  parts: readonly DrawnPart[],
  out: string | undefined,
): Promise<string | undefined> {
  if (out === undefined) return undefined;
  await savePartsDrawing(drawParts(await readPicture(nodeHost, picture.source), parts), out);
  return out;
}

async function saved(bytes: () => Uint8Array, out: string | undefined): Promise<string | undefined> {
  if (out === undefined) return undefined;
  await nodeHost.files.writeAtomic(out, bytes());
  return out;
}

function textBlock(
  name: string,
  found: readonly string[],
  seen: number,
  files: Readonly<Record<string, string>>,
  several: boolean,
): string {
  const indent = several ? "  " : "";
  const unseen = describeUnseen(seen);
  const lines = [...found, ...(unseen === undefined ? [] : [unseen])].map(printable);
  for (const [what, path] of Object.entries(files)) lines.push(`${what}: ${printable(path)}`);
  return `${several ? `${printable(name)}\n` : ""}${lines.map((line) => `${indent}${line}\n`).join("")}`;
}
