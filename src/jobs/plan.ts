// A plan: what is to be recognised, with what, cut into shards. Everything in it is frozen; its hash says whether two plans are the same. A plan is a
// folder:
//   plan.json          this file's `Plan`
//   manifest.parquet   a row a picture: key, address, size, etag (manifest.ts)
//   parts/             part-00017.parquet and, once it is whole, its marker part-00017.json (part.ts)
//   attempts/          00017.jsonl: who began which shard and how that ended (attempts.ts)
//   failed/, retries/  shards that were given up, rows that are to be done again
//   workers/, leases/  who works on what; both can be deleted while nobody does
import { z } from "zod";
import { FormatError, NotFoundError, SaccadeError } from "../errors.ts";
import type { DigestHost } from "../platform/host.ts";
import { decodeText } from "../text-file.ts";
import { type PlanFiles, readIfThere } from "./plan-files.ts";

const digest = z.string().regex(/^[0-9a-f]{16,64}$/);

const planSchema = z.strictObject({
  saccade_plan: z.literal(1),
  hash: digest,
  /** Of this program: another one may answer otherwise. */
  version: z.string(),
  task: z.string(),
  /** What the model is called, where it lies, and what tells it from others. A training sweep has none. */
  model: z.strictObject({ name: z.string(), source: z.string(), digest }).optional(),
  /** Of the task; all that decides what it answers. */
  options: z.record(z.string(), z.json()),
  sources: z.array(z.string()),
  /** Rows of the manifest. */
  rows: z.int().min(1),
  manifest_sha256: digest,
  /** Rows of a shard. */
  shard_rows: z.int().min(1),
  created: z.string(),
});

export type Plan = z.infer<typeof planSchema>;

export interface PlanFolder {
  readonly files: PlanFiles;
  /** Of the disk, or s3://BUCKET/PREFIX. */
  readonly folder: string;
  readonly plan: Plan;
}

/** Rows [from, to) of the manifest. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

const MAX_PLAN_BYTES = 2 ** 24;

/** Paths in a plan's folder. */
export const planPaths = {
  plan: "plan.json",
  manifest: "manifest.parquet",
  parts: "parts",
  attempts: "attempts",
  failed: "failed",
  retries: "retries",
  workers: "workers",
  leases: "leases",
  runs: "runs",
} as const;

/** 17 -> "00017": the name of a shard in files. */
export const shardName = (shard: number): string => String(shard).padStart(5, "0");

export const shardCount = ({ rows, shard_rows }: Pick<Plan, "rows" | "shard_rows">): number =>
  Math.ceil(rows / shard_rows);

export function shardRange({ rows, shard_rows }: Pick<Plan, "rows" | "shard_rows">, shard: number): RowRange {
  return { from: shard * shard_rows, to: Math.min((shard + 1) * shard_rows, rows) };
}

/** The plan with its hash: of all that decides the answers, and so neither of where it lies nor of when it was made. */
export async function hashedPlan(
  host: DigestHost,
  plan: Omit<Plan, "hash" | "saccade_plan" | "created">,
  created: string,
): Promise<Plan> {
  const { version, task, model, options, rows, manifest_sha256, shard_rows } = plan;
  const sorted = Object.entries(options).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([version, task, model?.digest, sorted, rows, manifest_sha256, shard_rows]);
  return { ...plan, saccade_plan: 1, hash: await host.sha256(new TextEncoder().encode(text)), created };
}

export async function writePlan({ files, folder, plan }: PlanFolder): Promise<void> {
  for (const name of ["parts", "attempts", "failed", "retries", "workers", "leases"] as const)
    await files.makeDirectory(files.join(folder, planPaths[name]));
  await files.writeAtomic(files.join(folder, planPaths.plan), `${JSON.stringify(plan, undefined, 2)}\n`);
}

/** What reading a plan takes. */
export type PlanHost = DigestHost & { readonly planFilesOf: (folder: string) => PlanFiles };

/** @throws NotFoundError, FormatError for what is no plan or one that was changed */
export async function readPlan(host: PlanHost, folder: string): Promise<PlanFolder> {
  const files = host.planFilesOf(folder);
  const path = files.join(folder, planPaths.plan);
  const bytes = await readIfThere(files, path, { maxBytes: MAX_PLAN_BYTES });
  if (bytes === undefined) throw new NotFoundError("plan", folder, "saccade plan SOURCE --out FOLDER makes one");
  const plan = parsePlan(decodeText(bytes, path), path);
  const { hash } = await hashedPlan(host, plan, plan.created);
  if (hash !== plan.hash)
    throw new FormatError("plan", `${path} was changed since it was made`, {
      hint: "plans are frozen: make another one, in another folder",
    });
  return { files, folder, plan };
}

function parsePlan(text: string, path: string): Plan {
  try {
    return planSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FormatError("plan", `${path} is none`, { hint: "saccade plan SOURCE --out FOLDER makes one", cause });
  }
}

/** Answers of two versions may differ. Throws SaccadeError "plan_version". */
export function requireVersion({ plan, folder }: PlanFolder, version: string): void {
  if (plan.version === version) return;
  throw new SaccadeError("plan_version", `${folder} was planned by version ${plan.version}, and this is ${version}`, {
    hint: "all workers of a plan are of one version: install it, or plan again",
    data: { planned: plan.version, here: version },
  });
}
