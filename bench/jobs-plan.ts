// How long a manifest of ten million rows takes, and how much memory: npx tsx bench/jobs-plan.ts [ROWS]. Writes bench/results/jobs/plan.json.
// Rows come from a list with sizes and etags (what a listing of a store gives), and of a folder that is walked.
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManifestWriter } from "../src/jobs/manifest.ts";
import { sourceRows } from "../src/jobs/sources.ts";
import { nodeJobsHost } from "../src/platform/node/jobs-host.ts";

const rows = Number(process.argv[2] ?? 10_000_000);
const out = process.argv[3] ?? "bench/results/jobs";
const folder = mkdtempSync(join(tmpdir(), "saccade-plan-"));

interface Measured {
  readonly rows: number;
  readonly seconds: number;
  readonly processor_seconds: number;
  readonly rows_per_second: number;
  readonly peak_megabytes: number;
  readonly manifest_megabytes: number;
}

async function measure(source: string): Promise<Measured> {
  const file = await nodeJobsHost.createFile(join(folder, "manifest.parquet"));
  const manifest = new ManifestWriter(file);
  const { storageOf, absolutePath } = nodeJobsHost;
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  let peak = 0;
  for await (const some of sourceRows(source, { storageOf, absolutePath, onProblem: console.error })) {
    for (const row of some) {
      const full = manifest.add(row);
      if (full !== undefined) await full;
    }
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  await manifest.finish();
  const { bytes } = await file.finish();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    rows: manifest.rows,
    seconds: Math.round(10 * seconds) / 10,
    processor_seconds: Math.round((user + system) / 1e5) / 10,
    rows_per_second: Math.round(manifest.rows / seconds),
    peak_megabytes: Math.round(peak / 2 ** 20),
    manifest_megabytes: Math.round(bytes / 2 ** 20),
  };
}

function writeList(path: string): string {
  const file = openSync(path, "w");
  for (let at = 0; at < rows; at += 10_000) {
    const lines = Array.from({ length: Math.min(10_000, rows - at) }, (_, i) => {
      const number = at + i;
      const name = `/data/archive/2026/${(number * 7919) % 1_000_003}/IMG_${number}.jpg`;
      return `{"path":"${name}","size":${1_000_000 + (number % 77_777)},"etag":"${(1_700_000_000_000 + number * 13).toString(36)}"}\n`;
    });
    writeSync(file, lines.join(""));
  }
  return path;
}

function writeFolder(path: string, files: number): string {
  for (let i = 0; i < files; i++) {
    if (i % 1000 === 0) mkdirSync(join(path, String(i / 1000)), { recursive: true });
    writeFileSync(join(path, String(Math.floor(i / 1000)), `IMG_${i}.jpg`), "");
  }
  return path;
}

try {
  const list = await measure(writeList(join(folder, "list.jsonl")));
  const walked = await measure(writeFolder(join(folder, "files"), Math.min(rows, 200_000)));
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "plan.json"), `${JSON.stringify({ list, folder: walked }, undefined, 2)}\n`);
  console.log(JSON.stringify({ list, folder: walked }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
