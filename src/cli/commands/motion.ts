// saccade motion: a data set of short clips whose class is only in time, made of the pictures of another data set.
import { type Command, Option } from "commander";
import { type GenerateMotionOptions, generateMotion, type MotionSettings } from "../../data/motion/generate-motion.ts";
import { MOTION_KINDS, type MotionKind, motionLabels } from "../../data/motion/motions.ts";
import { openDataset } from "../../data/open.ts";
import { UsageError } from "../../errors.ts";
import { nodeDataFiles } from "../../platform/node/data-files.ts";
import { decodeWithSharp, encodeJpeg } from "../../platform/node/decode.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { encodeVideo } from "../../platform/node/video/encode-video.ts";
import { integer, nameList } from "../options.ts";
import { refuseInside } from "../outputs.ts";
import { Progress } from "../progress.ts";
import type { Terminal } from "../terminal.ts";
import { problemLines } from "../train-progress.ts";

const EXAMPLES = `
Examples:
  $ saccade motion pictures/ clips/
  $ saccade motion pictures/ clips/ --size 64 --frames 24 --count 6000
  $ saccade motion pictures/ clips/ --kinds direction,order --format frames

The classes:
${MOTION_KINDS.map((kind) => `  ${kind.padEnd(11)} ${motionLabels([kind]).join(", ")}`).join("\n")}
No single frame tells them apart. Each split is made of the source's own, so no
picture leaks. How the set was made is in motion.json. The same source and
settings give the same clips.
`;

interface MotionOptions extends Omit<MotionSettings, "kinds" | "frameRate"> {
  readonly rate: number;
  readonly kinds?: readonly string[];
  readonly format: "webp" | "mp4" | "frames";
  readonly quality: number;
}

export function addMotion(program: Command, terminal: Terminal): void {
  program
    .command("motion")
    .description("make a data set of short clips whose class is only in time")
    .argument("<source>", "pictures in any layout that saccade train reads")
    .argument("<out>", "the new data set's folder")
    .option("--size <pixels>", "side of a frame", integer(1), 48)
    .option("--frames <n>", "frames of a clip", integer(1), 16)
    .option("--rate <n>", "frames a second", integer(1), 16)
    .option("--kinds <names>", `what happens, with commas: ${MOTION_KINDS.join(", ")} (default: all)`, nameList)
    .option("--count <n>", "training clips", integer(1), 4200)
    .option("--held-out <n>", "clips of every other split", integer(1), 700)
    .addOption(
      new Option("--format <name>", "an animated WebP a clip, an MP4 (needs ffmpeg), or a folder of JPEG frames")
        .choices(["webp", "mp4", "frames"])
        .default("webp"),
    )
    .option("--quality <n>", "of the pictures, 1 to 100", integer(1), 90)
    .option("--seed <n>", "for everything that is drawn at random", integer(0), 1)
    .addHelpText("after", EXAMPLES)
    .action((source: string, out: string, options: MotionOptions) => motion(source, out, options, terminal));
}

async function motion(path: string, out: string, options: MotionOptions, terminal: Terminal): Promise<void> {
  await refuseInside(out, [path]);
  const { kinds, rate, format, quality, ...settings } = options;
  if (quality > 100) throw new UsageError(`a quality is at most 100, not ${quality}`);
  const source = await openDataset(nodeDataFiles, path, { seed: settings.seed });
  for (const line of source.summary) terminal.note(line);
  let progress: Progress | undefined;
  const { counts, labels, problems } = await generateMotion({
    ...settings,
    frameRate: rate,
    ...(kinds === undefined ? {} : { kinds: kinds.map(motionKind) }),
    source,
    sourceName: path,
    out,
    files: { ...nodeHost.files, ...nodeDataFiles },
    decode: decodeWithSharp,
    encode: encoder(format, rate, quality),
    onClip(_, total) {
      progress ??= new Progress(terminal, "clips", total);
      progress.advance();
    },
    signal: terminal.signal,
  }).finally(() => progress?.finish());
  for (const line of problemLines(problems)) terminal.note(line);
  const made = Object.entries(counts).map(([split, count]) => `${count} ${split}`);
  terminal.note(
    `${out}: ${made.join(", ")} clips of ${labels.length} classes, ${settings.frames} frames of ${settings.size} px`,
  );
}

function motionKind(name: string): MotionKind {
  const kind = MOTION_KINDS.find((each) => each === name);
  if (kind === undefined)
    throw new UsageError(`there is no kind of motion "${name}"`, `there are ${MOTION_KINDS.join(", ")}`);
  return kind;
}

function encoder(format: MotionOptions["format"], rate: number, quality: number): GenerateMotionOptions["encode"] {
  if (format === "frames")
    return async (frames) => ({
      kind: "frames",
      extension: "jpg",
      frames: await Promise.all(frames.map((frame) => encodeJpeg(frame, quality))),
    });
  return async (frames) => ({
    kind: "file",
    extension: format,
    bytes: await encodeVideo(frames, { format, frameRate: rate, quality }),
  });
}
