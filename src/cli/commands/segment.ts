// saccade segment: which pixels of pictures are what.
import { type Command, Option } from "commander";
import { percent } from "../../evaluate/percent.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { segmentParts } from "../../tasks/segment/draw-segments.ts";
import { maskPng } from "../../tasks/segment/mask-png.ts";
import { segmentationToJson } from "../../tasks/segment/result-json.ts";
import {
  SEGMENTATIONS,
  type Segment,
  type Segmentation,
  type SegmentationResult,
} from "../../tasks/segment/results.ts";
import { loadSegmenter, type Segmenter } from "../../tasks/segment/segmenter.ts";
import { loadSegmentationStream } from "../../tasks/stream/dense-stream.ts";
import { addDenseOptions, type DenseFlags, optionsOf, runDense } from "../dense-command.ts";
import { refuseDenseStreamFlags, runDenseStream } from "../dense-stream.ts";
import type { Terminal } from "../terminal.ts";
import { sides } from "./detect.ts";

interface SegmentFlags extends DenseFlags {
  kind?: Segmentation;
}

const EXAMPLES = `
semantic: the class of every pixel. instance: each thing with a mask of its own.
panoptic: both, no pixel twice. --json writes masks as COCO's compressed runs;
--masks writes PNG files of one number a pixel: of semantic the index of the
class, 255 where nothing is known; else the place in the list of segments, from
1, and 0 for none. --stream follows a camera, an address or a video; its --json
is a line a frame.

Examples:
  $ saccade segment photo.jpg --model my-segmenter/
  $ saccade segment photo.jpg --model my-segmenter/ --draw parts.png
  $ saccade segment holiday/ --model my-segmenter/ --json > parts.json
  $ saccade segment scans/ --model my-segmenter/ --masks masks/
  $ saccade segment street.jpg -m my-mask2former/ --kind instance --only car
  $ saccade segment --stream clip.mp4 -m my-segmenter/ --json > parts.jsonl
`;

export function addSegment(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program.command("segment").description("say which pixels of pictures are what");
  addDenseOptions(command, "how sure an instance (default: 0.5) or a segment (default: 0.8) must be")
    .addOption(new Option("--kind <kind>", "which way (default: the model's usual one)").choices(SEGMENTATIONS))
    .option("--masks <out>", "write a number for each pixel, as .png; with several pictures, a folder")
    .addHelpText("after", EXAMPLES)
    .action((paths: string[], flags: SegmentFlags) => segment(paths, flags, terminal, finish));
}

async function segment(
  paths: string[],
  flags: SegmentFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  const { kind, threshold, only, batch, decode } = flags;
  const choice = {
    ...(kind === undefined ? {} : { kind }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(only === undefined ? {} : { only }),
  };
  if (flags.stream) {
    const load = await optionsOf({ ...flags, sessions: 1 }, 1, terminal);
    return runDenseStream<SegmentationResult>(paths, flags, terminal, {
      openStream: (follow) => loadSegmentationStream(nodeHost, flags.model, { ...load, ...choice, ...follow }),
      json: segmentationToJson,
      labelsOf: ({ segments }) => segments.map(({ label }) => label),
      parts: segmentParts,
    });
  }
  refuseDenseStreamFlags(flags);
  const options = {
    ...choice,
    batchSize: batch,
    signal: terminal.signal,
    ...(decode === undefined ? {} : { decode }),
  };
  await runDense<Segmenter, SegmentationResult>(paths, flags, terminal, finish, {
    open: (load) => loadSegmenter(nodeHost, flags.model, load),
    answers: (segmenter, pictures) => segmenter.segmentAll(pictures, options),
    info: ({ card, device, kinds }) => ({
      description: "saccade segment",
      model: card.name,
      device,
      kind: kind ?? kinds[0],
    }),
    lines: ({ segments }) => (segments.length === 0 ? ["nothing was found"] : segments.map(line)),
    findings: ({ segments }) => segments,
    parts: segmentParts,
    maskFile: maskPng,
  });
}

function line({ label, score, share, box }: Segment): string {
  const area = `${percent(share)} of the picture`;
  return score === undefined
    ? `${percent(share).padStart(6)}  ${label}`
    : `${percent(score).padStart(6)}  ${label}  ${sides(box)}, ${area}`;
}
