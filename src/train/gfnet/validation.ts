// Scores of a glance-and-focus model on held-out data, after each look: with the patches of its policy, or with others to compare it with.
import type { Loader } from "../../data/loader.ts";
import { concat, expandDims, reshape, slice } from "../../graph/build.ts";
import { trace } from "../../graph/scope.ts";
import type { Graph } from "../../graph/tensor.ts";
import type { GfnetConfig } from "../../models/gfnet/config.ts";
import { gfnet, glance, type Look, lookAt } from "../../models/gfnet/model.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import { Mode } from "../../nn/mode.ts";
import { type LoweringTarget, lower } from "../../onnx/lower.ts";
import { RandomSource } from "../../random.ts";
import type { Session, SessionOptions } from "../../runtime/session.ts";
import { type TensorData, tensor, toFloat32 } from "../../tensor.ts";
import type { ScoredEvaluation } from "../fit-options.ts";
import { ScoreSums } from "../score-sums.ts";

/** Where patches are: where the policy says, anywhere (from a seed), or all in the middle. */
export type PatchChoice = "policy" | "random" | "centre";

export interface LookValidationOptions {
  /** Of the architecture gfnet. */
  readonly definition: ModelDefinition;
  readonly weights: ReadonlyMap<string, TensorData>;
  /** One epoch of it is scored; rows without a picture (label -1) do not count. */
  readonly loader: Loader;
  readonly choice: PatchChoice;
  /** For random places. */
  readonly seed: number;
  /** Which kernels the session has. Default "onnxruntime". */
  readonly target?: LoweringTarget;
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  readonly signal?: AbortSignal;
}

/**
 * Scores after the last look, with the accuracy after each.
 *
 * @throws AbortedError when the signal fires
 */
export async function validateLooks(options: LookValidationOptions): Promise<ScoredEvaluation> {
  const { definition, choice, loader, target = "onnxruntime", signal } = options;
  const { T, class_num } = definition.config as GfnetConfig;
  const looks = Array.from({ length: T }, () => new ScoreSums());
  let session: Session | undefined;
  let index = 0;
  try {
    for await (const batch of loader.batches({ untilEpoch: 1, ...(signal === undefined ? {} : { signal }) })) {
      const [count, , ...extent] = batch.images.shape as [number, number, ...number[]];
      session ??= await options.createSession(
        lower(looksGraph(definition, choice, extent), {
          parameters: options.weights,
          target,
          outputs: ["logits"],
        }),
        {},
      );
      const places = choice === "policy" ? {} : { places: placesOf(choice, T - 1, count, options.seed, index++) };
      const { logits } = await session.run({ image: batch.images, ...places });
      const scores = toFloat32(logits!); // (T, count, classes)
      looks.forEach((sums, look) => {
        const start = look * count * class_num;
        sums.add(scores.subarray(start, start + count * class_num), batch.labels);
      });
    }
  } finally {
    await session?.dispose();
  }
  const last = looks.at(-1)!;
  return {
    evaluation: { ...last.means(), looks: looks.map((sums) => sums.means().top1) },
    scores: last.pictures(),
  };
}

/**
 * The forward pass for pictures of one size. Inputs: `image`, and `places` (T - 1, batch, 2) unless the policy chooses.
 *
 * @param extent [frames,] height, width
 */
export function looksGraph(definition: ModelDefinition, choice: PatchChoice, extent: readonly number[]): Graph {
  const config = definition.config as GfnetConfig;
  const mode = Mode.inference();
  return trace((scope) => {
    const image = scope.graph.input("image", ["batch", 3, ...extent]);
    if (choice === "policy") return { ...gfnet(scope, image, config, mode) };
    const places = scope.graph.input("places", [config.T - 1, "batch", 2]);
    const looks: Look[] = [glance(scope, image, config, mode)];
    for (let step = 0; step < config.T - 1; step++) {
      const place = reshape(slice(places, 0, step, step + 1), ["batch", 2]);
      looks.push(lookAt(scope, image, place, looks.at(-1)!.state, config, mode));
    }
    const logits = concat(
      looks.map((look) => expandDims(look.logits, 0)),
      0,
    );
    return { logits };
  });
}

function placesOf(
  choice: "random" | "centre",
  steps: number,
  batch: number,
  seed: number,
  index: number,
): TensorData<"float32"> {
  const random = new RandomSource(seed, `places/${index}`);
  const place = choice === "centre" ? () => 0.5 : () => random.uniform();
  return tensor("float32", [steps, batch, 2], Float32Array.from({ length: steps * batch * 2 }, place));
}
