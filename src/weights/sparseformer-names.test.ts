import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import { bytesOf, elementCount, type TensorData, toFloat64 } from "../tensor.ts";
import { remap, renameOne } from "./remap.ts";
import { toCurrentSparseFormerNames } from "./sparseformer-names.ts";
import { findStateDict } from "./state-dict.ts";
import { readTorch } from "./torch.ts";

const LARGE = resolve(import.meta.dirname, "../../../shared/goldens");

function f32(shape: number[], values?: number[]): TensorData {
  return { dtype: "float32", shape, data: values ? new Float32Array(values) : new Float32Array(elementCount(shape)) };
}
const named = (...names: string[]) => new Map(names.map((name) => [name, f32([1])]));
const renamed = (...names: string[]) => [...toCurrentSparseFormerNames(named(...names)).keys()];

describe("remap", () => {
  const rules = [
    { pattern: /^a\./, to: "b." },
    { pattern: /^b\./, to: "c." },
    { pattern: /gone/, to: null },
  ];
  test("the first rule that matches wins, and only it", () => {
    expect(renameOne("a.w", rules)).toBe("b.w");
    expect(renameOne("b.gone", rules)).toBe("c.gone");
    expect(renameOne("x.gone", rules)).toBeNull();
    expect(renameOne("x.w", rules)).toBe("x.w");
  });
  test("steps follow each other, collisions are errors", () => {
    const step = (tensors: ReadonlyMap<string, TensorData>) => new Map([...tensors, ["new", f32([1])]]);
    expect([...remap(named("a.w", "gone"), [rules, step, rules]).keys()]).toEqual(["c.w", "new"]);
    expect(() => remap(named("a.w", "b.w", "c.w"), [rules])).toThrow(FormatError);
  });
});

describe("SparseFormer names", () => {
  test("first release", () => {
    expect(
      renamed(
        "token_roi.weight",
        "token_embedding.weight",
        "layers.0.adaptive_mixing.tuo_proj.weight",
        "layers.0.ln_attn.bias",
        "layers.0.attn.in_proj_weight",
        "layers.0.attn.in_proj_bias",
        "layers.0.attn.out_proj.weight",
        "layers.0.ffn.0.weight",
        "layers.0.ffn.1.weight",
        "layers.0.ffn.3.weight",
        "layers.0.stage_embedding.weight",
        "global_roi.weight",
        "global_embedding.weight",
        "head.norm.weight",
        "head.classifier.bias",
      ),
    ).toEqual([
      "initial_roi.weight",
      "initial_embedding.weight",
      "layers.0.adaptive_mixing.out_proj.weight",
      "layers.0.norm1.bias",
      "layers.0.attn.qkv.weight",
      "layers.0.attn.qkv.bias",
      "layers.0.attn.proj.weight",
      "layers.0.norm2.weight",
      "layers.0.mlp.fc1.weight",
      "layers.0.mlp.fc2.weight",
      "cls_embedding.weight",
      "norm.weight",
      "proj.bias",
    ]);
  });

  test("intermediate head names beside today's; older heads", () => {
    expect(
      renamed("initial_roi.weight", "head.norm.bias", "head.classifier.weight", "layers.0.stage_embedding.weight"),
    ).toEqual(["initial_roi.weight", "norm.bias", "proj.weight", "layers.0.stage_embedding.weight"]);
    expect(renamed("ln_post.weight", "cls_head.weight")).toEqual(["norm.weight", "proj.weight"]);
  });

  test("bootstrapped: regions become corners, cortex blocks follow the layers", () => {
    const out = toCurrentSparseFormerNames(
      new Map([
        ["token_roi_cc.weight", f32([2, 2], [0.5, 0.25, 0.1, 0.2])],
        ["token_roi_wh.weight", f32([2, 2], [1, 0.5, 0.3, 0.3])],
        ...named(
          "layers.0.stage_embedding.weight",
          "layers.9.norm1.weight",
          "layers.10.0.weight",
          "blocks.0.norm1.weight",
        ),
        ...named("blocks.11.mlp.fc1.weight", "norm.weight"),
      ]),
    );
    expect([...out.keys()]).toEqual([
      "initial_roi.weight",
      "layers.0.stage_embedding.weight",
      "layers.9.norm1.weight",
      "layers.10.0.weight",
      "layers.11.norm1.weight",
      "layers.22.mlp.fc1.weight",
      "norm.weight",
    ]);
    const h = 0.5 * Math.fround(0.3);
    const corner = (value: number) => Math.fround(value);
    expect([...out.get("initial_roi.weight")!.data]).toEqual(
      [0, 0, 1, 0.5, Math.fround(0.1) - h, Math.fround(0.2) - h, Math.fround(0.1) + h, Math.fround(0.2) + h].map(
        corner,
      ),
    );
  });

  test("bootstrapped regions in half precision, and ones that do not fit", () => {
    const half = (bits: number[]): TensorData => ({ dtype: "float16", shape: [1, 2], data: new Uint16Array(bits) });
    const both = (cc: TensorData | undefined, wh: TensorData | undefined) =>
      toCurrentSparseFormerNames(
        new Map([
          ...(cc ? [["token_roi_cc.weight", cc] as const] : []),
          ...(wh ? [["token_roi_wh.weight", wh] as const] : []),
        ]),
      );
    // 0.5 +- 0.5 is 0 and 1.
    expect(both(half([0x3800, 0x3800]), half([0x3c00, 0x3c00])).get("initial_roi.weight")).toEqual({
      dtype: "float16",
      shape: [1, 4],
      data: new Uint16Array([0, 0, 0x3c00, 0x3c00]),
    });
    expect(() => both(f32([2, 2]), undefined)).toThrow(FormatError);
    expect(() => both(f32([2, 2]), f32([3, 2]))).toThrow(FormatError);
    expect(() => both(f32([2, 3]), f32([2, 3]))).toThrow(FormatError);
    expect(() => both(f32([1, 2]), half([0, 0]))).toThrow(FormatError);
  });
});

interface Case {
  tensors: { name: string; shape: number[]; values?: number[] }[];
}
const caseTensors = (name: string) =>
  (JSON.parse(readFileSync(join(LARGE, `sparseformer/${name}.json`), "utf8")) as Case).tensors;
const checkpoint = (name: string) =>
  findStateDict(readTorch(readFileSync(join(LARGE, "checkpoints", name))).root).tensors;

test.skipIf(!existsSync(LARGE)).each([
  ["first-release-names.pth", "sparseformer_v1_mini_64x64"],
  ["bootstrapped-names.pth", "sparseformer_btsp_mini_64x64"],
  ["torch213-zip-training.pth", "sparseformer_v1_mini_64x64"],
])("%s becomes the tensor list of %s", (file, name) => {
  const tensors = toCurrentSparseFormerNames(checkpoint(file));
  const list = [...tensors].map(([key, { shape }]) => ({ name: key, shape }));
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  expect(list.sort(byName)).toEqual(
    caseTensors(name)
      .map((tensor) => ({ name: tensor.name, shape: tensor.shape }))
      .sort(byName),
  );
});

test.skipIf(!existsSync(LARGE))("the same values under old and new names", () => {
  const old = toCurrentSparseFormerNames(checkpoint("first-release-names.pth"));
  for (const [name, { data }] of checkpoint("torch213-zip-training.pth"))
    expect(Buffer.compare(bytesOf(old.get(name)!.data), bytesOf(data))).toBe(0);
  const regions = toFloat64(
    toCurrentSparseFormerNames(checkpoint("bootstrapped-names.pth")).get("initial_roi.weight")!,
  );
  const { values } = caseTensors("sparseformer_btsp_mini_64x64").find(({ name }) => name === "initial_roi.weight")!;
  expect([...regions]).toEqual(values);
});

test
  .skipIf(!existsSync(LARGE))
  .each([
    "sparseformer_v1_tiny",
    "sparseformer_v1_base",
    "sparseformer_btsp_augreg_base",
    "sparseformer_btsp_openai_clip_base",
    "media_sparseformer_v1_mini_r4_0",
  ])("today's names of %s are left alone", (name) => {
  const tensors = named(...caseTensors(name).map((tensor) => tensor.name));
  expect(toCurrentSparseFormerNames(tensors)).toBe(tensors);
});
