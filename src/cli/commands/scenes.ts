// saccade scenes: a data set of large cluttered pictures, each with one small picture of another data set in it.
import type { Command } from "commander";
import { openDataset } from "../../data/open.ts";
import { generateScenes, type SceneSettings } from "../../data/scenes/generate-scenes.ts";
import { nodeDataFiles } from "../../platform/node/data-files.ts";
import { decodeWithSharp, encodeJpeg } from "../../platform/node/decode.ts";
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

Each split is made of the source's own, so no picture leaks. The place of the
evidence is in train-boxes.json and val-boxes.json; how the set was made, in
scenes.json. The same source and settings give the same scenes.
`;

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
    .option("--classes <names>", "classes of the source that scenes are about, with commas (default: all)", nameList)
    .option("--count <n>", "training scenes (default: one a picture)", integer(1))
    .option("--held-out <n>", "scenes of every other split (default: one a picture)", integer(1))
    .option("--seed <n>", "for everything that is drawn at random", integer(0), 1)
    .addHelpText("after", EXAMPLES)
    .action((source: string, out: string, settings: SceneSettings) => scenes(source, out, settings, terminal));
}

async function scenes(path: string, out: string, settings: SceneSettings, terminal: Terminal): Promise<void> {
  await refuseInside(out, [path]);
  const source = await openDataset(nodeDataFiles, path, { seed: settings.seed });
  for (const line of source.summary) terminal.note(line);
  let progress: Progress | undefined;
  const { counts, labels, problems } = await generateScenes({
    ...settings,
    source,
    sourceName: path,
    out,
    files: { ...nodeHost.files, ...nodeDataFiles },
    decode: decodeWithSharp,
    encode: encodeJpeg,
    onScene(_, total) {
      progress ??= new Progress(terminal, "scenes", total);
      progress.advance();
    },
    signal: terminal.signal,
  }).finally(() => progress?.finish());
  for (const line of problemLines(problems)) terminal.note(line);
  const { size, evidence } = settings;
  const made = Object.entries(counts).map(([split, count]) => `${count} ${split}`);
  terminal.note(
    `${out}: ${made.join(", ")} scenes of ${labels.length} classes, ${size} px with evidence of ${evidence}`,
  );
}
