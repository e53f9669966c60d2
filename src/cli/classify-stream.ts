// saccade classify --stream: names what is in moving pictures as they come, until they end or somebody stops it.
import type { Command } from "commander";
import { AbortedError, UsageError } from "../errors.ts";
import { explanationSheet, headlineOf } from "../evaluate/explanation-sheet.ts";
import { percent } from "../evaluate/percent.ts";
import { encodeSheet } from "../evaluate/sheet-file.ts";
import { nodeHost } from "../platform/node/host.ts";
import { gazeToJson } from "../tasks/classify/result-json.ts";
import type { StreamAnswer } from "../tasks/stream/results.ts";
import type { StreamClassifier } from "../tasks/stream/stream-classifier.ts";
import type { Frame, LiveFrames } from "../video/video.ts";
import { formatOf, requireDrawingName } from "./drawing-file.ts";
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

/** A drawing is replaced at most this often. */
const DRAWING_MS = 1000;
/** The live line is. */
const STATUS_MS = 100;

/** The one source that is to be followed. Throws UsageError for none, several, and for what only files have. */
export function streamSourceOf(
  paths: readonly string[],
  { fromFile }: { readonly fromFile?: string | undefined },
): string {
  if (paths.length === 1 && fromFile === undefined) return paths[0]!;
  throw new UsageError(
    "--stream follows one source",
    "camera, camera:1, rtsp://…, - for standard input, or a video file",
  );
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
  const taken = remembering(frames);
  const start = performance.now();
  const show = flags.json ? jsonLines(source, stream, terminal) : changes(stream, terminal);
  let drawnAt = Number.NEGATIVE_INFINITY;
  let undrawn: { readonly frame: Frame; readonly answer: StreamAnswer } | undefined;
  const drawLast = async () => {
    if (flags.explain === undefined || undrawn === undefined) return;
    const { frame, answer } = undrawn;
    undrawn = undefined;
    drawnAt = performance.now();
    await draw(frame, answer, flags.explain);
  };
  try {
    for await (const answer of stream.follow(taken.frames)) {
      if (terminal.outputClosed && flags.explain === undefined) break;
      show(answer);
      if (answer.look !== "kept") undrawn = { frame: taken.last!, answer };
      if (performance.now() - drawnAt >= DRAWING_MS) await drawLast();
    }
  } catch (error) {
    // To be stopped is how a camera's stream ends.
    if (!(error instanceof AbortedError) || !signal.aborted) throw error;
  } finally {
    await drawLast();
    terminal.status("");
    terminal.note(summary(stream, (performance.now() - start) / 1000, flags));
  }
}

/** The source, and the frame that was taken from it last. */
function remembering(frames: LiveFrames): { readonly frames: LiveFrames; readonly last: Frame | undefined } {
  let last: Frame | undefined;
  return {
    get last() {
      return last;
    },
    frames: {
      facts: frames.facts,
      get dropped() {
        return frames.dropped;
      },
      async next() {
        last = await frames.next();
        return last;
      },
      [Symbol.asyncDispose]: () => frames[Symbol.asyncDispose](),
    },
  };
}

type Show = (answer: StreamAnswer) => void;

function jsonLines(source: string, stream: StreamClassifier, terminal: Terminal): Show {
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

/** A line where the answer changes, and one that lives below them. */
function changes(stream: StreamClassifier, terminal: Terminal): Show {
  let said: string | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  const start = performance.now();
  return (answer) => {
    const name = nameOf(answer);
    if (name !== said) {
      said = name;
      terminal.out(`${clock(answer.seconds)}  ${percent(answer.predictions[0]?.score ?? 0).padStart(6)}  ${name}\n`);
    }
    const now = performance.now();
    if (now - shownAt < STATUS_MS) return;
    shownAt = now;
    terminal.status(liveLine(answer, stream, (now - start) / 1000));
  };
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

/** 62.51 -> "1:02.5" */
function clock(seconds: number): string {
  const tenths = Math.max(0, Math.floor(10 * seconds));
  const [hours, minutes] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60];
  const rest = `${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

function summary(stream: StreamClassifier, seconds: number, { everyFrame }: StreamFlags): string {
  const { frames, fullLooks, steps, kept, dropped, latency } = stream.counts;
  const rate = (frames / Math.max(seconds, 0.001)).toFixed(1);
  const spent = everyFrame
    ? "each looked at"
    : `${fullLooks} looked at${stream.takesSteps ? `, ${steps} confirmed by a step` : ""}, ${kept} as before`;
  const mean =
    frames === 0
      ? ""
      : `; ${(latency.totalMs / frames).toFixed(1)} ms a frame, at most ${latency.longestMs.toFixed(0)}`;
  const { macs } = stream;
  const cost =
    macs === undefined || frames === 0
      ? ""
      : `; ${compact((fullLooks * macs.full + steps * macs.step) / frames, "MACs")} a frame`;
  return `${frames} frames in ${duration(seconds)}, ${rate} frames/s: ${spent}, ${dropped} dropped${mean}${cost}`;
}

async function draw({ image }: Frame, answer: StreamAnswer, out: string): Promise<void> {
  if (answer.gaze === undefined) return;
  const sheet = explanationSheet(image, answer, headlineOf({ predictions: answer.predictions }));
  await nodeHost.files.writeAtomic(out, await encodeSheet(sheet, formatOf(out), nodeHost));
}
