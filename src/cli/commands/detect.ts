// saccade detect: where things are on pictures.
import { type Command, InvalidArgumentError } from "commander";
import { percent } from "../../evaluate/percent.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { type Detector, loadDetector } from "../../tasks/detect/detector.ts";
import { detectionParts } from "../../tasks/detect/draw-detections.ts";
import { detectionToJson } from "../../tasks/detect/result-json.ts";
import type { DetectionResult } from "../../tasks/detect/results.ts";
import { loadDetectionStream } from "../../tasks/stream/dense-stream.ts";
import { addDenseOptions, type DenseFlags, optionsOf, runDense } from "../dense-command.ts";
import { refuseDenseStreamFlags, runDenseStream } from "../dense-stream.ts";
import { integer, share } from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface DetectFlags extends DenseFlags {
  most: number;
  suppression?: number | "none";
}

const DEFAULT_THRESHOLD = 0.3;

const EXAMPLES = `
Boxes are left, top, right and bottom in pixels of the picture as it is looked
at, its orientation applied. --json writes them as COCO has them, [x, y, width,
height], in one document that annotation tools open and pycocotools reads.
--stream follows a camera, an address or a video; its --json is a line a frame,
with boxes as left, top, right and bottom.

Examples:
  $ saccade detect photo.jpg --model my-detector/
  $ saccade detect photo.jpg --model my-detector/ --draw found.png
  $ saccade detect holiday/ --model my-detector/ --json > found.json
  $ saccade detect "shots/*.jpg" -m detector.onnx --only dog,cat --draw drawn/
  $ saccade detect aerial.jpg --model my-detector/ --views crops
  $ saccade detect --stream camera --model my-detector/ --draw now.jpg
  $ saccade detect --stream clip.mp4 -m my-detector/ --json > found.jsonl
`;

export function addDetect(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program.command("detect").description("say where things are on pictures");
  addDenseOptions(command, `the least score of an answer (default: ${DEFAULT_THRESHOLD})`)
    .option("--most <n>", "answers a picture, at most", integer(1), 100)
    .option(
      "--suppression <overlap>",
      "from which overlap (IoU) on two boxes of a class are one thing, or none (default: the model's own)",
      overlap,
    )
    .addHelpText("after", EXAMPLES)
    .action((paths: string[], flags: DetectFlags) => detect(paths, flags, terminal, finish));
}

function overlap(text: string): number | "none" {
  try {
    return text === "none" ? text : share(text);
  } catch {
    throw new InvalidArgumentError("It must be a number between 0 and 1, or none.");
  }
}

async function detect(
  paths: string[],
  flags: DetectFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  const { threshold = DEFAULT_THRESHOLD, most, suppression, only, batch, decode } = flags;
  const choice = {
    threshold,
    most,
    ...(suppression === undefined ? {} : { suppression }),
    ...(only === undefined ? {} : { only }),
  };
  if (flags.stream) {
    const load = await optionsOf({ ...flags, sessions: 1 }, 1, terminal);
    return runDenseStream<DetectionResult>(paths, flags, terminal, {
      openStream: (follow) => loadDetectionStream(nodeHost, flags.model, { ...load, ...choice, ...follow }),
      json: detectionToJson,
      labelsOf: ({ detections }) => detections.map(({ label }) => label),
      parts: detectionParts,
    });
  }
  refuseDenseStreamFlags(flags);
  const options = {
    ...choice,
    batchSize: batch,
    signal: terminal.signal,
    ...(decode === undefined ? {} : { decode }),
  };
  await runDense<Detector, DetectionResult>(paths, flags, terminal, finish, {
    open: (load) => loadDetector(nodeHost, flags.model, load),
    answers: (detector, pictures) => detector.detectAll(pictures, options),
    info: ({ card, device }) => ({ description: "saccade detect", model: card.name, device }),
    lines: ({ detections }) =>
      detections.length === 0
        ? [`nothing that is ${percent(threshold)} sure`]
        : detections.map(({ label, score, box }) => `${percent(score).padStart(6)}  ${label}  ${sides(box)}`),
    findings: ({ detections }) => detections,
    parts: detectionParts,
  });
}

/** "102, 409 to 359, 655" */
export function sides([x0, y0, x1, y1]: readonly [number, number, number, number]): string {
  const whole = Math.round;
  return `${whole(x0)}, ${whole(y0)} to ${whole(x1)}, ${whole(y1)}`;
}
