// Whether what is there is what was planned: every part is the one that its marker says, and has exactly the plan's rows.
import { checkAborted } from "../data/files.ts";
import type { DigestHost } from "../platform/host.ts";
import type { ManifestReader } from "./manifest.ts";
import { decodePart, markerPath, partPath, readMarker } from "./part.ts";
import { type PlanFolder, planPaths, shardRange } from "./plan.ts";
import { readIfThere } from "./plan-files.ts";
import { readProgress } from "./progress.ts";

export interface ShardFault {
  readonly shard: number;
  readonly problem: string;
}

export interface Verification {
  readonly shards: number;
  readonly rows: number;
  readonly failedRows: number;
  /** Shards that are not done yet, or were given up. */
  readonly missing: readonly number[];
  readonly faults: readonly ShardFault[];
}

export interface VerifyOptions {
  /** Takes away what is wrong, so that it is computed again. Default false. */
  readonly repairs?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (shards: number) => void;
}

export async function verifyJobs(
  host: DigestHost,
  opened: PlanFolder,
  manifest: ManifestReader,
  options: VerifyOptions = {},
): Promise<Verification> {
  const { files, folder, plan } = opened;
  const { done, givenUp, left } = await readProgress(opened);
  const faults: ShardFault[] = [];
  const wholeManifest = await sameManifest(host, opened);
  if (wholeManifest !== undefined) faults.push({ shard: -1, problem: wholeManifest });
  let rows = 0;
  let failedRows = 0;
  let looked = 0;
  for (const shard of [...done].toSorted((a, b) => a - b)) {
    checkAborted(options.signal, "verifying");
    const found = await checkShard(host, opened, manifest, shard);
    if (found.problem !== undefined) {
      faults.push({ shard, problem: found.problem });
      if (options.repairs === true) {
        await files.remove(markerPath(files, folder, shard));
        await files.remove(partPath(files, folder, shard));
      }
    } else {
      rows += found.rows;
      failedRows += found.failed;
    }
    options.onProgress?.(++looked);
  }
  const missing = [...left, ...givenUp].toSorted((a, b) => a - b);
  return { shards: Math.ceil(plan.rows / plan.shard_rows), rows, failedRows, missing, faults };
}

async function sameManifest(host: DigestHost, { files, folder, plan }: PlanFolder) {
  const path = files.join(folder, planPaths.manifest);
  const sha256 = await host.sha256(await files.read(path));
  return sha256 === plan.manifest_sha256 ? undefined : "the manifest was changed since the plan was made";
}

type Checked =
  | { readonly problem: string }
  | { readonly problem?: undefined; readonly rows: number; readonly failed: number };

async function checkShard(
  host: DigestHost,
  { files, folder, plan }: PlanFolder,
  manifest: ManifestReader,
  shard: number,
): Promise<Checked> {
  const marker = await readMarker(files, folder, shard);
  if (marker === undefined) return { problem: "its marker cannot be read" };
  if (marker.plan !== plan.hash) return { problem: "it is of another plan" };
  const path = partPath(files, folder, shard);
  const bytes = await readIfThere(files, path);
  if (bytes === undefined) return { problem: "its part is gone" };
  if ((await host.sha256(bytes)) !== marker.sha256) return { problem: "its part is not what its marker says" };
  const planned = await manifest.read(shardRange(plan, shard));
  const answered = await decodePart(bytes, { columns: [], metadata: {} }, path).catch(() => undefined);
  if (answered === undefined) return { problem: "its part cannot be read" };
  if (answered.length !== planned.length)
    return { problem: `it has ${answered.length} rows, and ${planned.length} were planned` };
  const wrong = planned.findIndex(({ row, key }, i) => answered[i]!.row !== row || answered[i]!.key !== key);
  if (wrong !== -1) return { problem: `its row ${planned[wrong]!.row} is of another picture` };
  return { rows: answered.length, failed: answered.filter(({ failure }) => failure !== undefined).length };
}
