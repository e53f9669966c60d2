// saccade scenes: a data set of large cluttered pictures, each with one small picture of another data set in it.
import { type Command, InvalidArgumentError, Option } from "commander";
import { openDataset } from "../../data/open.ts";
import { generateScenes, type SceneSettings } from "../../data/scenes/generate-scenes.ts";
import { generateThings } from "../../data/scenes/generate-things.ts";
import { SCENE_ANNOTATIONS, type SceneAnnotations } from "../../data/scenes/write-annotated.ts";
import { UsageError } from "../../errors.ts";
import { nodeDataFiles } from "../../platform/node/data-files.ts";
import { decodeWithSharp, encodeJpeg, encodePng } from "../../platform/node/decode.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { integer, nameList } from "../options.ts";
import { refuseInside } from "../outputs.ts";
import { Progress } from "../progress.ts";
import type { Terminal } from "../terminal.ts";
import { problemLines } from "../train-progress.ts";

const EXAMPLES = `
Examples:
  $ saccade scenes pictures/ scenes/
  $ saccade scenes pictures/ scenes/ --size 256 --evidence 48 --count 4000
  $ saccade scenes pictures/ scenes/ --classes cat,bus,beach --held-out 500
  $ saccade eval saccade/everyday scenes/
  $ saccade scenes pictures/ things/ --annotations coco --objects 1:5 --shapes

Each split is made of the source's own, so no picture leaks. The place of the
evidence is in train-boxes.json and val-boxes.json; how the set was made, in
scenes.json. The same source and settings give the same scenes.

With --annotations a scene has several things, and the data set what detectors
and segmenters learn from: coco writes boxes and outlines in COCO's format,
masks writes a PNG beside each picture whose values are classes.
`;

interface SceneFlags extends SceneSettings {
  readonly annotations?: SceneAnnotations;
  readonly objects?: readonly [number, number];
  readonly shapes?: boolean;
}

/** "3" or "1:5". */
function objectCount(text: string): readonly [number, number] {
  const [low, high = low] = /^(\d+)(?::(\d+))?$/.exec(text)?.slice(1) ?? [];
  if (low === undefined || Number(low) < 1 || Number(low) > Number(high))
    throw new InvalidArgumentError("It must be a number of at least 1, or two like 1:5.");
  return [Number(low), Number(high)];
}

const DEFAULT_OBJECTS = [1, 4] as const;

export function addScenes(program: Command, terminal: Terminal): void {
  program
    .command("scenes")
    .description("make a data set whose evidence is small in large cluttered pictures")
    .argument("<source>", "labelled pictures, in any layout that saccade train reads")
    .argument("<out>", "the new data set's folder")
    .option("--size <pixels>", "side of a scene", integer(1), 384)
    .option("--evidence <pixels>", "side of the picture that decides", integer(1), 64)
    .option("--evidence-low <pixels>", "its smallest side, where sides vary (default: all of one size)", integer(1))
    .option("--clutter <n>", "shuffled pictures strewn over a scene", integer(0), 12)
    .option("--distractors <n>", "whole pictures of classes not asked for, strewn over a scene", integer(0), 0)
    .option("--companions <n>", "further whole pictures of a scene's own class, strewn over it", integer(0), 0)
    .option("--frame <pixels>", "width of a white frame around what is of a scene's own class", integer(0), 0)
    .addOption(
      new Option(
        "--annotations <format>",
        "write what is where: several things a scene, each with its box and outline",
      ).choices(SCENE_ANNOTATIONS),
    )
    .option("--objects <n>", "things a scene with --annotations, such as 3 or 1:5 (default: 1:4)", objectCount)
    .option("--shapes", "with --annotations, cut things out in random shapes: outlines then say more than boxes")
    .option("--classes <names>", "classes of the source that scenes are about, with commas (default: all)", nameList)
    .option("--count <n>", "training scenes (default: one a picture)", integer(1))
    .option("--held-out <n>", "scenes of every other split (default: one a picture)", integer(1))
    .option("--seed <n>", "for everything that is drawn at random", integer(0), 1)
    .addHelpText("after", EXAMPLES)
    .action((source: string, out: string, settings: SceneFlags) => scenes(source, out, settings, terminal));
}

async function scenes(path: string, out: string, flags: SceneFlags, terminal: Terminal): Promise<void> {
  const { annotations, objects, shapes, ...settings } = flags;
  if (annotations === undefined && (objects !== undefined || shapes === true))
    throw new UsageError("--objects and --shapes are of scenes with annotations", "add --annotations coco");
  if (annotations !== undefined && (settings.companions ?? 0) + (settings.frame ?? 0) > 0)
    throw new UsageError("companions and frames are of scenes with one label", "leave out --annotations, or the two");
  await refuseInside(out, [path]);
  const source = await openDataset(nodeDataFiles, path, { seed: settings.seed });
  for (const line of source.summary) terminal.note(line);
  let progress: Progress | undefined;
  const surroundings = {
    source,
    sourceName: path,
    out,
    files: { ...nodeHost.files, ...nodeDataFiles },
    decode: decodeWithSharp,
    encode: encodeJpeg,
    onScene(_: number, total: number) {
      progress ??= new Progress(terminal, "scenes", total);
      progress.advance();
    },
    signal: terminal.signal,
  };
  const made =
    annotations === undefined
      ? generateScenes({ ...settings, ...surroundings })
      : generateThings({
          ...settings,
          ...surroundings,
          annotations,
          objects: objects ?? DEFAULT_OBJECTS,
          shapes: shapes === true,
          encodePng,
        });
  const { counts, labels, problems } = await made.finally(() => progress?.finish());
  for (const line of problemLines(problems)) terminal.note(line);
  const { size, evidence } = settings;
  const splits = Object.entries(counts).map(([split, count]) => `${count} ${split}`);
  terminal.note(
    `${out}: ${splits.join(", ")} scenes of ${labels.length} classes, ${size} px with evidence of ${evidence}`,
  );
}
