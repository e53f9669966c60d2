// How batch jobs fare when their workers are killed: SACCADE_BUILT_WORKERS=dist npx tsx bench/jobs-crashes.ts ENGINE [--kills 100] [--workers 8] [--rows 3200]
// ENGINE is folder, postgres or redis. Writes bench/results/jobs/crashes-ENGINE.json.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { freshCopy, outcomeOf, runCommand, workUnderFire, writeList } from "../test/jobs/crashes.ts";
import { pictureName, writePictures } from "../test/jobs/pictures.ts";
import { postgresServer, redisServer } from "../test/jobs/servers.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: "string", default: "100" },
    workers: { type: "string", default: "8" },
    rows: { type: "string", default: "3200" },
    shard: { type: "string", default: "32" },
    out: { type: "string", default: "bench/results/jobs" },
  },
});
const engine = positionals[0] ?? "folder";
const server = engine === "postgres" ? await postgresServer() : engine === "redis" ? await redisServer() : undefined;
if (server === undefined && engine !== "folder") process.exit(1);
const folder = mkdtempSync(join(tmpdir(), "saccade-crashes-"));
try {
  const definition = defineModel("vit", {
    img_size: 32,
    patch_size: 8,
    embed_dim: 16,
    depth: 3,
    num_heads: 2,
    num_classes: 5,
  });
  const weights = initialWeights(inferenceGraph(definition), 3);
  const card = { name: "vit", labels: ["a", "b", "c", "d", "e"] };
  await writeModelFolder(nodeHost.files, join(folder, "vit"), nativeModel(definition, weights, card));
  const pictures = await writePictures(join(folder, "pictures"), 64, 13, 640);
  const names = Array.from({ length: 64 }, (_, i) => join(pictures, pictureName(i)));
  const list = writeList(join(folder, "list.txt"), names, Number(values.rows));
  const plan = join(folder, "plan");
  runCommand(["plan", list, "--model", join(folder, "vit"), "--shard", values.shard, "--out", plan]);
  const copy = freshCopy(plan, join(folder, "copy"));
  const started = performance.now();
  runCommand(["work", plan, "--threads", "1", "--sessions", "1"]);
  const aloneSeconds = (performance.now() - started) / 1000;
  const alone = await outcomeOf(plan, join(folder, "alone.parquet"));
  const result = await workUnderFire({
    plan: copy,
    workers: Number(values.workers),
    kills: Number(values.kills),
    options: ["--lease", "4", ...(server === undefined ? [] : ["--queue", server.address])],
    seed: 1,
    timeoutMs: 30 * 60_000,
  });
  const under = await outcomeOf(copy, join(folder, "under.parquet"));
  const report = {
    engine,
    workers: Number(values.workers),
    rows: Number(values.rows),
    shard_rows: Number(values.shard),
    ...{ kills: result.kills, kills_of_the_computing_process: result.childKills, workers_started: result.started },
    ...{ missing: under.missing, doubled: under.doubled, faults: under.faults },
    same_hash_as_one_process: under.sha256 === alone.sha256,
    ...{ seconds: Math.round(result.seconds), seconds_of_one_process: Math.round(aloneSeconds) },
  };
  // What was put in quarantine or given up says why a hash differs.
  if (!report.same_hash_as_one_process) console.log(runCommand(["jobs", "status", copy, "--json"]));
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, `crashes-${engine}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  console.log(JSON.stringify(report));
  if (!report.same_hash_as_one_process || report.missing + report.doubled + report.faults > 0) process.exitCode = 1;
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
