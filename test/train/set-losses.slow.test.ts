// Matching and losses of sets against DETR's, Deformable DETR's and Mask2Former's: costs, assignments, losses and gradients, in the interpreter and in both engines.
import { describe, expect, test } from "vitest";
import { add, concat, expand, gridSample, mul, reshape, resize, stopGradient, sub } from "../../src/graph/build.ts";
import { differentiate } from "../../src/graph/gradients/differentiate.ts";
import { interpret } from "../../src/graph/interpreter/interpret.ts";
import { Graph, type Tensor } from "../../src/graph/tensor.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { elementCount, type TensorData, tensor, toFloat32, toFloat64 } from "../../src/tensor.ts";
import { AnnotationInputs } from "../../src/train/annotation-inputs.ts";
import { coordinatesOf, overlap } from "../../src/train/detection/boxes.ts";
import {
  diceCost,
  distanceCost,
  focalCost,
  maskCost,
  overlapCost,
  probabilityCost,
} from "../../src/train/detection/costs.ts";
import {
  classLoss,
  distanceLoss,
  focalClassLoss,
  maskLosses,
  masksOfThings,
  overlapLoss,
  ownBoxes,
  thingCount,
} from "../../src/train/detection/losses.ts";
import { type Matching, matchSets, ownersOf } from "../../src/train/detection/matching.ts";
import { declareHostWork, doHostWork, type HostWork, lowerReads, lowerStep } from "../../src/train/host-work.ts";
import { type GoldenCase, goldenCases, loadGolden } from "../golden-case.ts";

const NAMES = goldenCases("detr-losses").filter((name) => name.includes("set_losses"));

interface Config {
  readonly images: number;
  readonly counts: readonly number[];
  readonly repeat: number;
  readonly target_mask: readonly [number, number];
}

/** The case's tensors as a loader gives them, and the graph of everything that it has numbers of. */
function caseOf(golden: GoldenCase) {
  const { images, counts, repeat, target_mask } = golden.config as unknown as Config;
  const most = Math.max(...counts);
  const given = (name: string) => golden.weights.get(name)!;
  const labels = golden.json.labels as readonly (readonly number[])[];
  const [high, wide] = given("target_masks").shape.slice(2) as [number, number];
  const [height, width] = target_mask;
  const cells = toFloat32(given("target_masks"));
  const masks = new Uint8Array(images * most * height * width);
  for (let i = 0; i < masks.length; i++) {
    const [x, y, mask] = [i % width, Math.floor(i / width) % height, Math.floor(i / width / height)];
    masks[i] =
      cells[(mask * high + Math.floor((y * high) / height)) * wide + Math.floor((x * wide) / width)]! > 0 ? 1 : 0;
  }
  const classes = labels.flatMap((own) => [...own, ...new Array<number>(most - own.length).fill(0)]);
  const inputs: Record<string, TensorData> = {
    ...Object.fromEntries(
      ["pred_logits", "focal_logits", "pred_centres", "pred_sizes", "pred_masks", "points"].map((name) => [
        name,
        given(name),
      ]),
    ),
    "target.classes": tensor("int64", [images, most], BigInt64Array.from(classes, BigInt)),
    "target.boxes": tensor("float32", [images, most, 4], joined(given("target_centres"), given("target_sizes"))),
    "target.count": tensor("int64", [images], BigInt64Array.from(counts, BigInt)),
    "target.masks": tensor("uint8", [images, most, height, width], masks),
  };

  const graph = new Graph();
  const hostWork: HostWork[] = [];
  const input = (name: string) => graph.input(name, inputs[name]!.shape);
  const annotations = new AnnotationInputs(graph, images, { most, masks: { height, width } });
  const host = {
    annotations: () => annotations,
    onHost(work: HostWork) {
      hostWork.push(work);
      return declareHostWork(graph, work);
    },
  };
  const [logits, focalLogits, maps] = [input("pred_logits"), input("focal_logits"), input("pred_masks")];
  const boxes = concat([input("pred_centres"), input("pred_sizes")], -1);
  const { classes: kinds, boxes: targets, count } = annotations;
  const grid = expand(reshape(sub(mul(input("points"), 2), 1), [1, 1, -1, 2]), [
    images,
    1,
    inputs.points!.shape[1]!,
    2,
  ]);
  const atPoints = (x: Tensor) => {
    const sampled = gridSample(x, grid, SAMPLING);
    return reshape(sampled, [images, x.shape[1]!, -1]);
  };
  const [masksThere, targetsThere] = [atPoints(maps), atPoints(annotations.masks)];
  const values = {
    class: probabilityCost(logits, kinds),
    focal: focalCost(focalLogits, kinds),
    l1: distanceCost(boxes, targets),
    giou: mul(overlapCost(boxes, targets), -1),
    mask_bce: maskCost(masksThere, targetsThere),
    mask_dice: diceCost(masksThere, targetsThere),
    iou: overlap(coordinatesOf(boxes, 2), coordinatesOf(targets, 1)),
  };
  const ofBoxes = add(mul(values.l1, 5), mul(values.giou, -2));
  const ofMasks = add(mul(values.mask_bce, 5), mul(values.mask_dice, 5));
  const totals = {
    detr: add(values.class, ofBoxes),
    focal: add(mul(values.focal, 2), ofBoxes),
    mask: add(mul(values.class, 2), ofMasks),
  };
  const [detr, focal, mask] = (["detr", "focal", "mask"] as const).map(
    (name) => matchSets(host, name, [totals[name]])[0]!,
  );
  const many = matchSets(host, "many", [totals.focal], repeat)[0]!;
  const things = thingCount(count);

  const boxLosses = (matching: Matching, number: Tensor) => ({
    l1: distanceLoss(boxes, ownBoxes(targets, matching), matching, number),
    giou: overlapLoss(boxes, ownBoxes(targets, matching), matching, number),
  });
  const sum = (first: Tensor, { l1, giou }: { l1: Tensor; giou: Tensor }) => add(first, add(mul(l1, 5), mul(giou, 2)));
  const losses = (() => {
    const d = { ce: classLoss(logits, kinds, detr!, 0.1), ...boxLosses(detr!, things) };
    const f = { class: focalClassLoss(focalLogits, kinds, focal!, things), ...boxLosses(focal!, things) };
    const copies = mul(things, repeat);
    const m = { class: focalClassLoss(focalLogits, kinds, many, copies), ...boxLosses(many, copies) };
    const points = masksOfThings(masksThere, mask!);
    const whole = masksOfThings(reshape(resize(maps, [height, width], "linear"), [images, maps.shape[1]!, -1]), mask!);
    const wholeTargets = reshape(annotations.masks, [images, most, -1]);
    const s = {
      ce: classLoss(logits, kinds, mask!, 0.1),
      bce: maskLosses.entropy(points.masks, targetsThere, points.found, things),
      dice: maskLosses.dice(points.masks, targetsThere, points.found, things),
      full_dice: maskLosses.dice(whole.masks, wholeTargets, whole.found, things),
      full_focal: maskLosses.focal(whole.masks, wholeTargets, whole.found, things),
      full_bce: maskLosses.entropy(whole.masks, wholeTargets, whole.found, things),
    };
    return {
      detr: { ...d, total: sum(d.ce, d) },
      focal: { ...f, total: sum(mul(f.class, 2), f) },
      many: { ...m, total: sum(mul(m.class, 2), m) },
      mask: { ...s, total: add(mul(s.ce, 2), add(mul(s.bce, 5), mul(s.dice, 5))) },
    };
  })();
  const masksTotal = add(losses.mask.total, add(losses.mask.full_dice, mul(losses.mask.full_focal, 20)));
  for (const [name, value] of Object.entries(values))
    graph.output(name === "iou" || name === "giou" ? name : `cost.${name}`, value);
  for (const [name, value] of Object.entries({ ...totals, many: totals.focal }))
    graph.output(`total.${name}`, stopGradient(value));
  for (const [kind, parts] of Object.entries(losses))
    for (const [name, value] of Object.entries(parts)) graph.output(`loss.${kind}.${name}`, value);
  const gradient = (name: string, of: Tensor, by: readonly [string, Tensor][]) => {
    const gradients = differentiate(
      of,
      by.map(([, x]) => x),
    );
    by.forEach(([x], i) => {
      graph.output(`grad.${name}.${x}`, gradients[i]!);
    });
  };
  gradient("detr", losses.detr.total, [
    ["logits", logits],
    ["boxes", boxes],
  ]); // prettier-ignore
  gradient("focal", losses.focal.total, [
    ["logits", focalLogits],
    ["boxes", boxes],
  ]);
  gradient("many", losses.many.total, [
    ["logits", focalLogits],
    ["boxes", boxes],
  ]);
  gradient("mask", masksTotal, [
    ["logits", logits],
    ["masks", maps],
  ]);
  return { graph, hostWork, inputs, counts, works: ["detr", "focal", "mask", "many"] };
}

const SAMPLING = { mode: "linear", padding: "zeros", alignCorners: false } as const;

function joined(a: TensorData, b: TensorData): Float32Array {
  const [left, right] = [toFloat32(a), toFloat32(b)];
  return Float32Array.from({ length: left.length * 2 }, (_, i) => {
    const [row, column] = [Math.floor(i / 4), i % 4];
    return column < 2 ? left[row * 2 + column]! : right[row * 2 + column - 2]!;
  });
}

/** What the case has numbers of, picture by picture, where we have whole batches. */
function expectCase(
  golden: GoldenCase,
  { counts, works, hostWork }: ReturnType<typeof caseOf>,
  values: Readonly<Record<string, TensorData>>,
  made: Readonly<Record<string, TensorData>>,
  tolerance: (output: string) => number,
): void {
  const seen = new Set<string>();
  for (const [name, expected] of golden.outputs) {
    const [kind, what, last] = name.split(".") as [string, string, string | undefined];
    if (["class_error", "cardinality_error"].includes(last ?? "")) continue; // shown while training, not learnt
    seen.add(kind);
    if (kind === "assignment") {
      expect(hostWork.map((work) => work.name)).toEqual(works);
      const owners = made[`host.${what}`]!;
      const queries = owners.shape[1]!;
      const own = [...(owners.data as BigInt64Array).subarray(Number(last) * queries, (Number(last) + 1) * queries)];
      const pairs = own.flatMap((thing, query) => (thing < 0n ? [] : [query, Number(thing)]));
      expect(pairs, name).toEqual([...toFloat64(expected)]);
      continue;
    }
    const isPerPicture = ["cost", "iou", "giou", "total"].includes(kind);
    const picture = isPerPicture ? Number(name.split(".").at(-1)) : 0;
    const actual = values[isPerPicture ? name.replace(/\.\d+$/, "") : name]!;
    const own = isPerPicture ? picturePart(actual, picture, counts[picture]!) : toFloat64(actual);
    const wanted = toFloat64(expected);
    expect(own.length, name).toBe(elementCount(expected.shape));
    const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - own[i]!)), 0);
    expect(worst, name).toBeLessThan(tolerance(name));
  }
  expect([...seen].sort()).toEqual(["assignment", "cost", "giou", "grad", "iou", "loss", "total"]);
}

/** (N, Q, T) -> a picture's (Q, things) */
function picturePart(all: TensorData, picture: number, things: number): Float64Array {
  const [, queries = 0, most = 0] = all.shape;
  const values = toFloat64(all);
  return Float64Array.from(
    { length: queries * things },
    (_, i) => values[(picture * queries + Math.floor(i / things)) * most + (i % things)]!,
  );
}

describe.each(NAMES)("%s", (name) => {
  const golden = loadGolden(name)!;

  test("in the interpreter", () => {
    const all = caseOf(golden);
    const run = (outputs: string[], more: Record<string, TensorData> = {}) =>
      Object.fromEntries(interpret(all.graph, { inputs: { ...all.inputs, ...more }, parameters: new Map(), outputs }));
    const names = [...all.graph.outputs.keys()];
    const blank = Object.fromEntries(
      all.hostWork.map(({ name, shape }) => [
        `host.${name}`,
        tensor("int64", shape, new BigInt64Array(elementCount(shape))),
      ]),
    );
    const made = doHostWork(
      all.hostWork,
      run(
        names.filter((output) => output.startsWith("read.")),
        blank,
      ),
    );
    const values = run(
      names.filter((output) => !output.startsWith("read.")),
      made,
    );
    expectCase(golden, all, values, made, () => 2e-6);
  });

  test.each(["cpu", "wasm"] as const)("on %s, the second model reading beside the first", async (device) => {
    const all = caseOf(golden);
    await using session = await nodeHost.createSession(lowerStep(all, "onnxruntime"), { device, threads: 1 });
    const reader = await session.openReader!(lowerReads(all, "onnxruntime")!);
    const taken = (inputs: readonly { name: string }[]) =>
      Object.fromEntries(Object.entries(all.inputs).filter(([name]) => inputs.some((input) => input.name === name)));
    const made = doHostWork(all.hostWork, await reader.run(taken(reader.inputs)));
    const values = await session.run({ ...taken(session.inputs), ...made });
    const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
    expectCase(golden, all, values, made, (output) => 1e-5 + 4 * (errors[output] ?? 0));
  });
});

test("what is no number leaves predictions without a thing, and so does a picture without things", () => {
  const costs = tensor("float32", [3, 2, 2], Float32Array.of(1, 0, 0, 1, Number.NaN, 0, 0, 1, 3, 1, 2, 5));
  const count = tensor("int64", [3], BigInt64Array.of(0n, 2n, 1n));
  expect([...ownersOf(costs, count).data]).toEqual([-1n, -1n, -1n, -1n, -1n, 0n]);
  // Both predictions for one thing.
  expect([...ownersOf(costs, count, 2).data]).toEqual([-1n, -1n, -1n, -1n, 0n, 0n]);
});
