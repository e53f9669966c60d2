// CrossViT (Chen et al., ICCV 2021): two vision transformers with patches of two sizes, whose class tokens read each other's patches.
// Reproduces huggingface/pytorch-image-models, timm/models/crossvit.py; the official code is IBM/CrossViT.
import { add, concat, expand, gelu, mul, reduceMean, relu, reshape, resize, slice } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { attend, byHead } from "../../nn/attention.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear, TRUNCATED_NORMAL_002, torchDefault } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { patchEmbed, tokensOf } from "../../nn/patch-embed.ts";
import { risingRates, transformerBlock } from "../../nn/transformer-block.ts";
import { branchGeometry, type CrossvitConfig } from "./config.ts";

const EPSILON = 1e-6;
const BRANCHES = [0, 1] as const;

type Branch = (typeof BRANCHES)[number];
const other = (branch: Branch): Branch => (branch === 0 ? 1 : 0);

/** One of each branch. */
type Both<T> = readonly [T, T];
const both = <T>(make: (branch: Branch) => T): Both<T> => [make(0), make(1)];

/** A branch's class token (N, 1, width) and its patches (N, patches, width). */
interface BranchTokens {
  readonly cls: Tensor;
  readonly patches: Tensor;
}

/** image (N, 3, H, W) -> logits (N, num_classes) and features (N, both widths together). */
export function crossvit(
  scope: Scope,
  image: Tensor,
  config: CrossvitConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const stages = config.depth.map((depth) => Math.max(depth[0], depth[1]) + depth[2]);
  // timm counts the second branch and the fusion only, so that rates run out where the first branch is the deeper one.
  const rates = risingRates(
    config.depth.reduce((sum, [, second, fusion]) => sum + second + fusion, 0),
    config.drop_path_rate,
  );
  let branches = both((branch) => embed(scope, image, branch, config));
  let done = 0;
  config.depth.forEach((depth, i) => {
    const dropPath = rates.slice(done, done + stages[i]!);
    done += stages[i]!;
    branches = stage(scope.at("blocks", i), branches, depth, { config, mode, dropPath });
    const after = branches;
    scope.layer(`stage.${i + 1}`, () => meanPatches((branch) => after[branch].patches));
  });

  const features = both((branch) => {
    const row = reshape(branches[branch].cls, [image.shape[0]!, config.embed_dim[branch]]);
    return layerNorm(scope.at("norm", branch), row, EPSILON); // (N, width)
  });
  const last = branches;
  const patches = (branch: Branch) => layerNorm(scope.at("norm", branch), last[branch].patches, EPSILON);
  scope.layer("cls", () => concat(features, 1));
  scope.layer("tokens", () => meanPatches(patches));
  const logits = both((branch) =>
    linear(scope.at("head", branch), mode.dropout(features[branch], config.drop_rate), config.num_classes),
  );
  return { logits: mul(add(...logits), 0.5), features: concat(features, 1) };
}

/** (N, both widths together): the branches have patches of two sizes, and so numbers of them that do not go together. */
function meanPatches(patches: (branch: Branch) => Tensor): Tensor {
  return concat(
    both((branch) => reduceMean(patches(branch), 1)),
    1,
  );
}

/** The picture at the branch's scale as tokens with positions. */
function embed(scope: Scope, image: Tensor, branch: Branch, config: CrossvitConfig): BranchTokens {
  const width = config.embed_dim[branch];
  const { picture, grid } = branchGeometry(config)[branch]!;
  const isScaled = picture.height !== image.shape[2] || picture.width !== image.shape[3];
  const seen = isScaled ? resize(image, [picture.height, picture.width], "cubic") : image; // (N, 3, h, w)
  const layer = scope.at("patch_embed", branch);
  const patch = config.patch_size[branch];
  const map = config.multi_conv
    ? convolvedPatches(layer.at("proj"), seen, width, patch)
    : patchEmbed(layer, seen, width, patch);
  const count = 1 + grid.height * grid.width;
  const cls = scope.parameter(`cls_token_${branch}`, [1, 1, width], TRUNCATED_NORMAL_002);
  const positions = scope.parameter(`pos_embed_${branch}`, [1, count, width], TRUNCATED_NORMAL_002);
  const first = add(cls, slice(positions, 1, 0, 1));
  return {
    cls: expand(first, [image.shape[0]!, 1, width]),
    patches: add(tokensOf(map), slice(positions, 1, 1)),
  };
}

/** Kernel, stride and padding of the three convolutions. */
const CONVOLUTIONS: Readonly<Record<number, readonly (readonly [kernel: number, stride: number, padding: number])[]>> =
  {
    12: [
      [7, 4, 3],
      [3, 3, 0],
      [3, 1, 1],
    ],
    16: [
      [7, 4, 3],
      [3, 2, 1],
      [3, 2, 1],
    ],
  };

/** Patches that overlap: image (N, 3, H, W) -> (N, width, H / patch, W / patch). */
function convolvedPatches(scope: Scope, image: Tensor, width: number, patch: number): Tensor {
  return CONVOLUTIONS[patch]!.reduce((x, [kernel, stride, padding], i) => {
    const start = torchDefault(channelsOf(x) * kernel * kernel);
    const channels = Math.floor(width / [4, 2, 1][i]!);
    return conv2d(scope.at(2 * i), i === 0 ? x : relu(x), channels, kernel, {
      stride,
      padding,
      bias: true,
      weightInit: start,
      biasInit: start,
    });
  }, image);
}

interface StageOptions {
  readonly config: CrossvitConfig;
  readonly mode: Mode;
  /** Rates of the blocks, the fusion's last. */
  readonly dropPath: readonly number[];
}

/** Each branch by itself, then each class token reads the other branch's patches. */
function stage(
  scope: Scope,
  input: Both<BranchTokens>,
  depth: CrossvitConfig["depth"][number],
  options: StageOptions,
): Both<BranchTokens> {
  const { config, mode, dropPath } = options;
  const own = both((branch) => {
    let x = concat([input[branch].cls, input[branch].patches], 1); // (N, 1 + patches, width)
    for (let i = 0; i < depth[branch]; i++)
      x = transformerBlock(scope.at("blocks", branch, i), x, {
        heads: config.num_heads[branch],
        mlpRatio: config.mlp_ratio[branch],
        qkvBias: config.qkv_bias,
        epsilon: EPSILON,
        dropPath: dropPath[i] ?? 0,
        mode,
      });
    return { cls: slice(x, 1, 0, 1), patches: slice(x, 1, 1) };
  });
  return both((branch) => {
    const to = other(branch);
    const visitor = activated(scope.at("projs", branch), own[branch].cls, config.embed_dim[to]); // (N, 1, other width)
    const fusion = scope.at("fusion", branch);
    const reader = depth[2] === 0 ? fusion : fusion.at(0);
    let cls = crossAttention(reader, visitor, [own[to].patches], to, options);
    // As in timm, only the first block reads the patches: it gives the class token alone, and further ones get nothing else.
    for (let i = 1; i < depth[2]; i++) cls = crossAttention(fusion.at(i), cls, [], to, options);
    return {
      cls: activated(scope.at("revert_projs", branch), cls, config.embed_dim[branch]),
      patches: own[branch].patches,
    };
  });
}

/** Norm, GELU, linear: (N, 1, width) -> (N, 1, features). */
function activated(scope: Scope, x: Tensor, features: number): Tensor {
  return linear(scope.at(2), gelu(layerNorm(scope.at(0), x, EPSILON)), features);
}

/** The class token (N, 1, width), having read itself and the others (N, patches, width). */
function crossAttention(
  scope: Scope,
  cls: Tensor,
  others: readonly Tensor[],
  branch: Branch,
  { config, mode, dropPath }: StageOptions,
): Tensor {
  const heads = config.num_heads[branch];
  const width = fixedWidth(cls);
  return scope.run(() => {
    const normal = layerNorm(scope.at("norm1"), concat([cls, ...others], 1), EPSILON); // (N, 1 + patches, width)
    const attn = scope.at("attn");
    const part = (name: string, x: Tensor) => byHead(linear(attn.at(name), x, width, { bias: config.qkv_bias }), heads);
    const query = mul(part("wq", slice(normal, 1, 0, 1)), (width / heads) ** -0.5); // (N, heads, 1, width / heads)
    const read = attend(query, part("wk", normal), part("wv", normal)); // (N, 1, width)
    const update = linear(attn.at("proj"), read, width);
    return add(cls, mode.dropPath(cls.graph, update, dropPath.at(-1) ?? 0, cls.shape[0]!));
  });
}
