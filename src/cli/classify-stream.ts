// saccade classify --stream: names what is in moving pictures as they come, until they end or somebody stops it.
import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import { explanationSheet, headlineOf } from "../evaluate/explanation-sheet.ts";
import { percent } from "../evaluate/percent.ts";
import { encodeSheet } from "../evaluate/sheet-file.ts";
import { nodeHost } from "../platform/node/host.ts";
import { gazeToJson } from "../tasks/classify/result-json.ts";
import type { StreamAnswer } from "../tasks/stream/results.ts";
import type { StreamClassifier } from "../tasks/stream/stream-classifier.ts";
import type { Frame } from "../video/video.ts";
import { formatOf, requireDrawingName } from "./drawing-file.ts";
import { changesOf, clock, followStream, meanLatency, type ShowAnswer } from "./follow-stream.ts";
import { duration } from "./progress.ts";
import { openSource } from "./stream-source.ts";
import { compact, printable, type Terminal } from "./terminal.ts";

export interface StreamFlags {
  stream?: boolean;
  realtime?: boolean;
  steps?: boolean;
  everyFrame?: boolean;
  json?: boolean;
  explain?: string;
}

export function addStreamOptions(command: Command): Command {
  return command
    .option("--stream", "follow one source: camera, camera:1, an address such as rtsp://…, - or a video file")
    .option("--realtime", "with --stream: a video file at its own rate, as if it were a camera")
    .option("--steps", "with --stream: confirm answers by steps that start from the last look (SparseFormers)")
    .option("--every-frame", "with --stream: look at every frame in full");
}

/** Throws UsageError for what says nothing without --stream. */
export function refuseStreamFlags({ realtime, steps, everyFrame }: StreamFlags): void {
  for (const [name, given] of Object.entries({ realtime, steps, "every-frame": everyFrame }))
    if (given) throw new UsageError(`--${name} belongs to --stream`, "saccade classify --stream camera");
}

/** @param open loads the model, after the source has been found */
export async function classifyStream(
  source: string,
  flags: StreamFlags,
  open: () => Promise<StreamClassifier>,
  terminal: Terminal,
): Promise<void> {
  if (flags.explain !== undefined) requireDrawingName(flags.explain); // refused before a camera is opened
  await using stream = await open();
  if (flags.explain !== undefined && !stream.looks)
    throw new UsageError(
      `${stream.card.name} does not look sparsely: there is nothing to draw`,
      "leave --explain out, or take a SparseFormer",
    );
  const { signal } = terminal;
  await using frames = await openSource(nodeHost, source, { signal, ...(flags.realtime ? { realtime: true } : {}) });
  const out = flags.explain;
  await followStream(stream, frames, terminal, {
    show: flags.json ? jsonLines(source, stream, terminal) : changes(stream, terminal),
    ...(out === undefined
      ? {}
      : { isNew: ({ look }) => look !== "kept", draw: (frame, answer) => draw(frame, answer, out) }),
    summary: (seconds) => summary(stream, seconds, flags),
  });
}

function jsonLines(source: string, stream: StreamClassifier, terminal: Terminal): ShowAnswer<StreamAnswer> {
  return ({ latencyMs, gaze, ...answer }) => {
    const line = {
      ...{ source, model: stream.card.name, device: stream.device },
      ...answer,
      latency_ms: Math.round(100 * latencyMs) / 100,
      dropped: stream.counts.dropped,
      ...(gaze === undefined ? {} : { gaze: gazeToJson(gaze) }),
    };
    terminal.out(`${JSON.stringify(line)}\n`);
  };
}

function changes(stream: StreamClassifier, terminal: Terminal): ShowAnswer<StreamAnswer> {
  return changesOf<StreamAnswer>(terminal, {
    name: nameOf,
    line: (answer, name) => `${percent(answer.predictions[0]?.score ?? 0).padStart(6)}  ${name}`,
    live: (answer, elapsed) => liveLine(answer, stream, elapsed),
  });
}

function nameOf({ predictions, unknown }: StreamAnswer): string {
  const label = printable(predictions[0]?.label ?? "nothing");
  return unknown === true ? `unknown (nearest: ${label})` : label;
}

/** "1:02.5  guinea pig 83 %, 24.9 frames/s, 12 ms, 8 % looked at, 3 dropped" in 80 columns: the name gives way. */
export function liveLine(answer: StreamAnswer, { counts }: Pick<StreamClassifier, "counts">, elapsed: number): string {
  const { frames, fullLooks, steps, dropped } = counts;
  const looked = Math.round((100 * (fullLooks + steps)) / Math.max(1, frames));
  const rate = (frames / Math.max(elapsed, 0.001)).toFixed(1);
  const sure = percent(answer.predictions[0]?.score ?? 0);
  const lost = dropped === 0 ? "" : `, ${dropped} dropped`;
  const rest = ` ${sure}, ${rate} frames/s, ${answer.latencyMs.toFixed(0)} ms, ${looked} % looked at${lost}`;
  const begin = `${clock(answer.seconds)}  `;
  const room = Math.max(8, 79 - begin.length - rest.length);
  const name = nameOf(answer);
  return `${begin}${name.length > room ? `${name.slice(0, room - 1)}…` : name}${rest}`;
}

function summary(stream: StreamClassifier, seconds: number, { everyFrame }: StreamFlags): string {
  const { frames, fullLooks, steps, kept, dropped } = stream.counts;
  const rate = (frames / Math.max(seconds, 0.001)).toFixed(1);
  const spent = everyFrame
    ? "each looked at"
    : `${fullLooks} looked at${stream.takesSteps ? `, ${steps} confirmed by a step` : ""}, ${kept} as before`;
  const { macs } = stream;
  const cost =
    macs === undefined || frames === 0
      ? ""
      : `; ${compact((fullLooks * macs.full + steps * macs.step) / frames, "MACs")} a frame`;
  return `${frames} frames in ${duration(seconds)}, ${rate} frames/s: ${spent}, ${dropped} dropped${meanLatency(stream.counts)}${cost}`;
}

async function draw({ image }: Frame, answer: StreamAnswer, out: string): Promise<void> {
  if (answer.gaze === undefined) return;
  const sheet = explanationSheet(image, answer, headlineOf({ predictions: answer.predictions }));
  await nodeHost.files.writeAtomic(out, await encodeSheet(sheet, formatOf(out), nodeHost));
}
