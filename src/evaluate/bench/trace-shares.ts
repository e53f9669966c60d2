// From ONNX Runtime's trace to what each kind of operator and each part of a model takes. The names that lowering gives to nodes,
// "layers.0.attn/matMul_48", lead back to the part; what the engine made itself while optimising belongs to what ran before it.
import { z } from "zod";
import { FormatError } from "../../errors.ts";
import { type AtPath, choosePartPaths, sumByPart } from "../../graph/parts.ts";

/** One operator in one run. */
interface Kernel {
  readonly name: string;
  readonly op: string;
  readonly ms: number;
}

export interface TimeShare {
  readonly name: string;
  /** Of the time that all operators take, 0..1. */
  readonly share: number;
}

export interface TraceShares {
  /** By kind of operator, the longest first. */
  readonly ops: readonly TimeShare[];
  /** By part, in order of execution; empty when the nodes' names do not tell parts. */
  readonly parts: readonly TimeShare[];
}

const eventSchema = z.object({
  cat: z.string(),
  name: z.string(),
  ts: z.number(),
  dur: z.number().optional(),
  args: z.looseObject({ op_name: z.string().optional() }).optional(),
});

const KERNEL = /_kernel_time$/;

/**
 * Shares of all runs but the first, which still fills caches.
 *
 * @param nodes names of the nodes in the model's file, of which the engine has kept some
 * @throws FormatError when the text is not such a trace or holds no operators
 */
export function sharesOfTrace(text: string, nodes: readonly string[]): TraceShares {
  const kernels = readKernels(text);
  const total = kernels.reduce((sum, { ms }) => sum + ms, 0);
  const byOp = new Map<string, number>();
  for (const { op, ms } of kernels) byOp.set(op, (byOp.get(op) ?? 0) + ms);
  const located = locate(kernels, nodes);
  const parts = located.every(([path]) => path === "") ? [] : choosePartPaths(located);
  return {
    ops: [...byOp].sort(([, a], [, b]) => b - a).map(([name, ms]) => ({ name, share: ms / total })),
    parts: [...sumByPart(parts, parts.length === 0 ? [] : located)]
      .filter(([, ms]) => ms > 0)
      .map(([name, ms]) => ({ name, share: ms / total })),
  };
}

function readKernels(text: string): Kernel[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError("trace", `not valid JSON (${(cause as Error).message})`, { cause });
  }
  const parsed = z.array(eventSchema).safeParse(json);
  if (!parsed.success) throw new FormatError("trace", z.prettifyError(parsed.error).slice(0, 200));
  const runs = parsed.data.filter(({ cat, name }) => cat === "Session" && name === "model_run");
  const firstEnds = Math.min(...runs.map(({ ts, dur = 0 }) => ts + dur));
  const since = runs.length > 1 ? firstEnds : Number.NEGATIVE_INFINITY;
  const kernels = parsed.data
    .filter(({ cat, name, ts }) => cat === "Node" && KERNEL.test(name) && ts >= since)
    .sort((a, b) => a.ts - b.ts)
    .map(({ name, dur = 0, args }) => ({ name: name.replace(KERNEL, ""), op: args?.op_name ?? "?", ms: dur / 1000 }));
  if (kernels.length === 0) throw new FormatError("trace", "it holds no operators");
  return kernels;
}

/** A node's own name: path, op and number in the graph, then what lowering and the engine added. */
const OWN_NAME = /^(?:(.*)\/)?[A-Za-z]+_(\d+)(?:_nchwc)?(?:\/.*)?$/;

/** Each kernel's time at its path. A node without one stands, by its number in the graph, after one that has one. */
function locate(kernels: readonly Kernel[], nodes: readonly string[]): AtPath[] {
  const paths = nodes
    .flatMap((name) => ownName(name) ?? [])
    .filter(({ path }) => path !== "")
    .sort((a, b) => a.number - b.number);
  const pathBefore = (number: number) => paths.findLast((node) => node.number <= number)?.path ?? "";
  let last = "";
  return kernels.map(({ name, ms }) => {
    const own = ownName(name);
    if (own !== undefined) last = own.path === "" ? pathBefore(own.number) : own.path;
    return [last, ms];
  });
}

function ownName(name: string): { path: string; number: number } | undefined {
  const match = OWN_NAME.exec(name);
  return match === null ? undefined : { path: match[1] ?? "", number: Number(match[2]) };
}
