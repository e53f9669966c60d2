// Many files at the machine's rate: H.264 files classified together by classifyAll, one after the other by classify, and decoded alone. The machine's own
// rate is what it would give if all cores worked all the time on just this; so the share of the cores that was busy says how near a way comes to it.
//
//   npx tsx bench/many-videos.ts [--files 24] [--seconds 4] [--size 640x360] [--rounds 3] [--out bench/results/many-videos.json]
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { nodeHost } from "../src/platform/node/host.ts";
import { describeDecoder } from "../src/platform/node/video/decoders.ts";
import { loadVideoClassifier } from "../src/tasks/video/video-classifier.ts";
import { processorMs } from "./processor-time.ts";

const { values: flags } = parseArgs({
  options: {
    model: { type: "string", default: "saccade/photographs" },
    files: { type: "string", default: "24" },
    seconds: { type: "string", default: "4" },
    size: { type: "string", default: "640x360" },
    rounds: { type: "string", default: "3" },
    out: { type: "string" },
  },
});

const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const rounded = (value: number) => Number(value.toPrecision(3));

const folder = mkdtempSync(join(tmpdir(), "saccade-bench-"));
try {
  const paths = Array.from({ length: Number(flags.files) }, (_, i) => {
    const path = join(folder, `${i}.mp4`);
    const source = `mandelbrot=s=${flags.size}:r=30:start_scale=${3 - 0.1 * i}`;
    const encoding = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"];
    execFileSync("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", flags.seconds, ...encoding, path]);
    return path;
  });
  await using classifier = await loadVideoClassifier(nodeHost, flags.model);
  const ways: Readonly<Record<string, () => Promise<void>>> = {
    "together, a clip each": async () => {
      for await (const { error } of classifier.classifyAll(paths)) if (error !== undefined) throw error;
    },
    "one by one, a clip each": async () => {
      for (const path of paths) await classifier.classify(path);
    },
    "together, every second": async () => {
      for await (const { error } of classifier.classifyAll(paths, { every: 1 })) if (error !== undefined) throw error;
    },
    "one by one, every second": async () => {
      for (const path of paths) await classifier.classify(path, { every: 1 });
    },
    "all frames read, no model": async () => {
      for (const path of paths) {
        await using video = await nodeHost.openVideo(path);
        for await (const _ of video.read());
      }
    },
  };
  const costs = new Map(Object.keys(ways).map((way) => [way, [] as { wall: number; processor: number }[]]));
  const load = [rounded(loadavg()[0]!)];
  for (let round = 0; round <= Number(flags.rounds); round++) {
    for (const [way, work] of Object.entries(ways)) {
      const [wall, processor] = [performance.now(), processorMs()];
      await work();
      // The first round warms up what is loaded once.
      if (round > 0) costs.get(way)!.push({ wall: performance.now() - wall, processor: processorMs() - processor });
    }
    load.push(rounded(loadavg()[0]!));
  }
  const { processor, cores } = nodeHost.machine;
  const report = {
    date: new Date().toISOString().slice(0, 10),
    decoder: await describeDecoder(),
    processor,
    cores,
    load,
    model: flags.model,
    files: paths.length,
    seconds_each: Number(flags.seconds),
    size: flags.size,
    rows: [...costs].map(([way, runs]) => ({
      way,
      files_a_second: rounded((1000 * paths.length) / middle(runs.map((run) => run.wall))),
      processor_ms_a_file: rounded(middle(runs.map((run) => run.processor)) / paths.length),
      busy_cores: rounded(middle(runs.map((run) => run.processor / run.wall))),
    })),
  };
  console.table(report.rows);
  if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
