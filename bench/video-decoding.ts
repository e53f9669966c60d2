// How fast a video is read, against ffmpeg alone: decoding into nothing (-f null), to RGB that goes nowhere, and to RGB through a pipe to a process that drops it,
// which is the least that any reader of another program's frames costs. Rounds are interleaved and medians taken.
// Processor time is counted beside the clock's, because it says the same on a machine that has other things to do.
//
//   npx tsx bench/video-decoding.ts [--rounds 5] [--seconds 8] [--sizes 320x180,640x360,1280x720,1920x1080] [--out bench/results/video-decoding.json]
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeDecoder } from "../src/platform/node/video/decoders.ts";
import { processorMs } from "./processor-time.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "8" },
    sizes: { type: "string", default: "320x180,640x360,1280x720,1920x1080" },
    out: { type: "string" },
  },
});

/** Clock and processor time of one reading, in milliseconds a frame. */
interface Cost {
  readonly wall: number;
  readonly processor: number;
}

async function timed(frames: number, work: () => Promise<void> | void): Promise<Cost> {
  const [wall, processor] = [performance.now(), processorMs()];
  await work();
  return { wall: (performance.now() - wall) / frames, processor: (processorMs() - processor) / frames };
}

const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const rounded = (value: number) => Number(value.toPrecision(3));

async function measure(size: string, folder: string) {
  const path = join(folder, `${size}.mp4`);
  // Detail that moves everywhere, as in films: an encoder cannot leave frames out.
  const source = ["-f", "lavfi", "-i", `mandelbrot=s=${size}:r=30`, "-t", flags.seconds];
  execFileSync("ffmpeg", [
    "-v",
    "error",
    "-y",
    ...source,
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-pix_fmt",
    "yuv420p",
    path,
  ]);
  await using video = await nodeHost.openVideo(path);
  const frames = (await video.timestamps()).length;
  const alone =
    (...end: string[]) =>
    () =>
      void spawnSync("ffmpeg", ["-v", "error", "-nostdin", "-y", "-i", path, "-map", "0:V:0", ...end]);
  const ways = {
    read: async () => {
      for await (const _ of video.read());
    },
    null: alone("-f", "null", "-"),
    rgb: alone("-pix_fmt", "rgb24", "-f", "rawvideo", "/dev/null"),
    pipe: async () => {
      const args = [
        "-v",
        "error",
        "-nostdin",
        "-i",
        path,
        "-map",
        "0:V:0",
        "-pix_fmt",
        "rgb24",
        "-f",
        "rawvideo",
        "pipe:1",
      ];
      const child = spawn("ffmpeg", args, { stdio: ["ignore", "pipe", "ignore"] });
      child.stdout.resume();
      await new Promise((resolve) => child.once("close", resolve));
    },
  };
  const costs: Record<keyof typeof ways, Cost[]> = { read: [], null: [], rgb: [], pipe: [] };
  for (let round = 0; round < Number(flags.rounds); round++)
    for (const way of ["read", "null", "rgb", "pipe"] as const) costs[way].push(await timed(frames, ways[way]));
  const of = (way: keyof typeof ways, what: keyof Cost) => middle(costs[way].map((cost) => cost[what]));
  return {
    size,
    frames,
    rate: rounded(1000 / of("read", "wall")),
    rate_null: rounded(1000 / of("null", "wall")),
    rate_rgb: rounded(1000 / of("rgb", "wall")),
    rate_pipe: rounded(1000 / of("pipe", "wall")),
    of_null: rounded(of("null", "wall") / of("read", "wall")),
    of_rgb: rounded(of("rgb", "wall") / of("read", "wall")),
    of_pipe: rounded(of("pipe", "wall") / of("read", "wall")),
    processor_ms: rounded(of("read", "processor")),
    processor_ms_null: rounded(of("null", "processor")),
    processor_ms_rgb: rounded(of("rgb", "processor")),
    processor_ms_pipe: rounded(of("pipe", "processor")),
  };
}

const folder = mkdtempSync(join(tmpdir(), "saccade-bench-"));
try {
  const rows: Awaited<ReturnType<typeof measure>>[] = [];
  const loads = [loadavg()[0]!];
  for (const size of flags.sizes.split(",")) {
    const row = await measure(size, folder);
    console.log(JSON.stringify(row));
    rows.push(row);
    loads.push(loadavg()[0]!);
  }
  const { processor, cores } = nodeHost.machine;
  const report = {
    date: new Date().toISOString().slice(0, 10),
    decoder: await describeDecoder(),
    processor,
    cores,
    // Processes that wanted a core, before and after each size: where there are more than cores, processor times alone can be believed.
    load: loads.map(rounded),
    rows,
  };
  if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
