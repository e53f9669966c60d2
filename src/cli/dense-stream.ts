// saccade detect --stream and segment --stream: where things are in moving pictures as they come, until they end or somebody stops it.
import type { Command } from "commander";
import { type DrawnPart, drawParts } from "../boxes/draw.ts";
import { UsageError } from "../errors.ts";
import { nodeHost } from "../platform/node/host.ts";
import type { DenseStream, DenseStreamAnswer, DenseStreamOptions } from "../tasks/stream/dense-stream.ts";
import type { Frame } from "../video/video.ts";
import { requirePartsName, savePartsDrawing } from "./drawing-file.ts";
import { changesOf, clock, followStream, meanLatency, type ShowAnswer } from "./follow-stream.ts";
import { share } from "./options.ts";
import { refuseReplacing } from "./outputs.ts";
import { duration } from "./progress.ts";
import { openSource, streamSourceOf } from "./stream-source.ts";
import { printable, type Terminal } from "./terminal.ts";

export interface DenseStreamFlags {
  stream?: boolean;
  realtime?: boolean;
  changed?: number;
  json?: boolean;
  draw?: string;
  masks?: string;
  fromFile?: string;
}

export function addDenseStreamOptions(command: Command): Command {
  return command
    .option("--stream", "follow one source: camera, camera:1, an address such as rtsp://…, - or a video file")
    .option("--realtime", "with --stream: a video file at its own rate, as if it were a camera")
    .option(
      "--changed <share>",
      "with --stream: look again where so much of the picture changed, such as 0.01 (default: at every frame)",
      share,
    );
}

/** What of a command is about streams. */
export interface DenseStreamCommand<A> {
  openStream(options: DenseStreamOptions): Promise<DenseStream<A>>;
  /** As programs get it. */
  json(answer: A): object;
  /** What was found, a label a thing. */
  labelsOf(answer: A): readonly string[];
  parts(answer: A): readonly DrawnPart[];
}

/** Throws UsageError for what says nothing without --stream. */
export function refuseDenseStreamFlags({ realtime, changed }: DenseStreamFlags): void {
  for (const [name, given] of Object.entries({ realtime, changed }))
    if (given !== undefined) throw new UsageError(`--${name} belongs to --stream`, "--stream camera, for one");
}

/** Frames of live sources are scaled down to this: detectors see more than those who only name. */
const LONGER_SIDE = 2048;

export async function runDenseStream<A>(
  paths: readonly string[],
  flags: DenseStreamFlags & { readonly model: string; readonly labels?: string },
  terminal: Terminal,
  command: DenseStreamCommand<A>,
): Promise<void> {
  const source = streamSourceOf(paths, flags);
  const { changed, draw: out, masks, realtime } = flags;
  if (masks !== undefined)
    throw new UsageError(
      "--masks writes files of pictures, and a stream has none",
      "--json has the masks of every frame",
    );
  if (out !== undefined) {
    requirePartsName(out); // refused before a camera is opened
    await refuseReplacing([out], { models: [flags.model], paths: [source, flags.labels] });
  }
  const { signal } = terminal;
  await using stream = await command.openStream({ signal, ...(changed === undefined ? {} : { changed }) });
  const opening = { signal, longerSide: LONGER_SIDE, ...(realtime ? { realtime } : {}) };
  await using frames = await openSource(nodeHost, source, opening);
  await followStream(stream, frames, terminal, {
    show: flags.json ? jsonLines(source, stream, terminal, command) : changes(stream, terminal, command),
    isNew: ({ look }) => look === "full",
    ...(out === undefined
      ? {}
      : {
          draw: ({ image }: Frame, { result }: DenseStreamAnswer<A>) =>
            savePartsDrawing(drawParts(image, command.parts(result)), out),
        }),
    summary: (seconds) => summary(stream, seconds),
  });
}

function jsonLines<A>(
  source: string,
  stream: DenseStream<A>,
  terminal: Terminal,
  { json }: DenseStreamCommand<A>,
): ShowAnswer<DenseStreamAnswer<A>> {
  return ({ index, seconds, result, latencyMs, ...spent }) => {
    const line = {
      ...{ source, model: stream.card.name, device: stream.device },
      ...{ index, seconds },
      ...json(result),
      ...spent,
      latency_ms: Math.round(100 * latencyMs) / 100,
      dropped: stream.counts.dropped,
    };
    terminal.out(`${JSON.stringify(line)}\n`);
  };
}

/** Lines where what is there changes: how many there are of what. */
function changes<A>(
  stream: DenseStream<A>,
  terminal: Terminal,
  { labelsOf }: DenseStreamCommand<A>,
): ShowAnswer<DenseStreamAnswer<A>> {
  const name = ({ result }: DenseStreamAnswer<A>) => countedLabels(labelsOf(result));
  return changesOf<DenseStreamAnswer<A>>(terminal, {
    name,
    line: (_, named) => named,
    live: (answer, elapsed) => {
      const { frames, dropped } = stream.counts;
      const rate = (frames / Math.max(elapsed, 0.001)).toFixed(1);
      const lost = dropped === 0 ? "" : `, ${dropped} dropped`;
      const rest = `, ${rate} frames/s, ${answer.latencyMs.toFixed(0)} ms${lost}`;
      const begin = `${clock(answer.seconds)}  `;
      const room = Math.max(8, 79 - begin.length - rest.length);
      const named = name(answer);
      return `${begin}${named.length > room ? `${named.slice(0, room - 1)}…` : named}${rest}`;
    },
  });
}

/** "2 dog, 1 cat"; "nothing" */
export function countedLabels(labels: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const parts = [...counts].map(([label, count]) => `${count} ${printable(label)}`);
  return parts.length === 0 ? "nothing" : parts.sort().join(", ");
}

function summary<A>({ counts }: DenseStream<A>, seconds: number): string {
  const { frames, fullLooks, kept, dropped } = counts;
  const rate = (frames / Math.max(seconds, 0.001)).toFixed(1);
  const spent = kept === 0 ? "each looked at" : `${fullLooks} looked at, ${kept} as before`;
  return `${frames} frames in ${duration(seconds)}, ${rate} frames/s: ${spent}, ${dropped} dropped${meanLatency(counts)}`;
}
