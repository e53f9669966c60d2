// What is true of every way to reduce tokens: of its W, and of its gradients. Three small blocks, of which the first two reduce.
import { describe, expect, test } from "vitest";
import { constant, matMul, mul, reduceSum, slice } from "../../graph/build.ts";
import { differentiate } from "../../graph/gradients/differentiate.ts";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { Scope } from "../../graph/scope.ts";
import { Graph, type Tensor, widen } from "../../graph/tensor.ts";
import { RandomSource } from "../../random.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import { Mode } from "../mode.ts";
import { transformerBlock } from "../transformer-block.ts";
import { greedyPolicy, iaRed2Blocks, maskedIaRed2 } from "./ia-red2.ts";
import { parseReduction } from "./language.ts";
import { type Reduction, throughBlock } from "./reduction.ts";
import { originOf, patchScore, recover, type TokenState, tokenState, transform } from "./state.ts";
import type { TokenModel } from "./system.ts";
import { planReduction, TOKEN_SYSTEMS } from "./systems.ts";

const [PICTURES, PATCHES, WIDTH] = [2, 12, 8];

/** A line for every system that works on sequences. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  prune: ["keep=0.6@0,1:prune"],
  evit: ["keep=0.6@0,1:evit"],
  tome: ["merge=3@0,1:tome", "merge=4..2@0,1:tome+noprop", "merge=9@0,1:tome"],
  transforming: ["transform=0.6@0,1:transforming+tau=0.2"],
  dynamicvit: ["keep=0.6@0,1:dynamicvit"],
  "ia-red2": ["policy@0,1:ia-red2"],
  expedit: ["cluster=2x2@1:expedit"],
};
const ALL = Object.values(LINES).flat();

test("every system on sequences has a line here", () => {
  const onSequences = [...TOKEN_SYSTEMS].filter(([, { layouts }]) => layouts.includes("sequence"));
  expect(onSequences.map(([name]) => name).filter((name) => LINES[name] === undefined)).toEqual([]);
});

interface Built {
  readonly graph: Graph;
  readonly x: Tensor;
  readonly end: TokenState;
}

/**
 * What the line says, or for gradients the form that has them: where the picture counts, tokens that stay and are seen by nobody, as in training; where
 * gradients are taken for a W that stands still (Expedit), W as a constant.
 */
function planned(line: string, model: TokenModel, { masked = false, fixed }: Forms): Reduction {
  if (fixed !== undefined)
    return { steps: new Map([[1, { before: (now) => transform(now, (x) => matMul(constant(x.graph, fixed), x)) }]]) };
  if (!masked || !line.startsWith("policy")) return planReduction(line, model);
  const blocks = iaRed2Blocks(parseReduction(line), model);
  return maskedIaRed2(blocks, model.heads, (scores, { special }) => greedyPolicy(scores, special));
}

interface Forms {
  readonly explicit?: boolean;
  readonly masked?: boolean;
  readonly fixed?: TensorData;
}

function build(line: string, special: number, forms: Forms = {}): Built {
  const graph = new Graph();
  const scope = new Scope(graph);
  const model: TokenModel = {
    blocks: 3,
    special,
    grid: { height: 3, width: 4 },
    width: WIDTH,
    heads: 2,
    layout: "sequence",
  };
  const x = graph.input("x", [PICTURES, special + PATCHES, WIDTH]);
  const plan = planned(line, model, forms);
  let tokens = tokenState(x, special, forms);
  for (let i = 0; i < model.blocks; i++)
    tokens = throughBlock(plan, i, scope, tokens, (now, hooks) =>
      transformerBlock(scope.at("blocks", i), now, {
        ...hooks,
        heads: 2,
        mlpRatio: 2,
        epsilon: 1e-6,
        dropPath: 0,
        mode: Mode.inference(),
      }),
    );
  return { graph, x, end: tokens };
}

const random = (name: string, shape: readonly number[], scale = 1) => {
  const source = new RandomSource(3, name);
  return tensor(
    "float64",
    shape,
    Float64Array.from({ length: elementCount(shape) }, () => scale * source.normal()),
  );
};
const weightsOf = (graph: Graph) =>
  new Map(
    [...graph.parameters.values()].map(({ name, shape }): [string, TensorData] => [name, random(name, shape, 0.5)]),
  );
const inputOf = (x: Tensor) => random("x", x.shape as number[]);

/** What a built model gives of itself, by names. */
function valuesOf({ graph, x, end }: Built, more: Readonly<Record<string, Tensor>> = {}) {
  const asked = { x: end.x, origin: originOf(end), recovered: recover(end), ...more };
  for (const [name, value] of Object.entries(asked)) graph.output(name, value);
  return interpret(graph, { inputs: { x: inputOf(x) }, parameters: weightsOf(graph), precision: "float64" });
}

/** The rows of a value (N, M, T), each a picture's M lists. */
function rowsOf(value: TensorData): number[][][] {
  const [n, m, t] = value.shape as [number, number, number];
  const data = toFloat64(value);
  const row = (i: number, j: number) => Array.from(data.subarray((i * m + j) * t, (i * m + j + 1) * t));
  return Array.from({ length: n }, (_, i) => Array.from({ length: m }, (_, j) => row(i, j)));
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const close = (a: number, b: number) => Math.abs(a - b) < 1e-9;

describe.each([1, 2])("%d special tokens", (special) => {
  describe.each(ALL)("%s", (line) => {
    test("W leaves special tokens alone, takes nothing away twice, and gives what its product gives", () => {
      const values = valuesOf(build(line, special));
      const origin = rowsOf(values.get("origin")!);
      const isFused = line.endsWith("evit");
      for (const picture of origin)
        picture.forEach((row, j) => {
          if (j < special) expect(row.every((share, t) => share === Number(t === j))).toBe(true);
          else expect(row.slice(0, special).every((share) => share === 0)).toBe(true);
          // A mean, or where the batch has more tokens than this picture nothing; EViT's last token counts by attention, which is less.
          const total = sum(row);
          if (!isFused) expect(close(total, 1) || total === 0).toBe(true);
          expect(total).toBeLessThan(1 + 1e-9);
          expect(Math.min(...row)).toBeGreaterThanOrEqual(0);
        });
      const through = valuesOf(build(line, special, { explicit: true }));
      for (const name of ["x", "origin", "recovered"]) {
        const [a, b] = [toFloat64(values.get(name)!), toFloat64(through.get(name)!)];
        expect(a.length).toBe(b.length);
        expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(1e-9);
      }
    });

    test("recovery gives every place what its token became, and special tokens as they are", () => {
      const values = valuesOf(build(line, special));
      const [x, origin, recovered] = ["x", "origin", "recovered"].map((name) => rowsOf(values.get(name)!));
      expect(recovered![0]!.length).toBe(special + PATCHES);
      origin!.forEach((picture, i) => {
        for (let t = 0; t < special + PATCHES; t++) {
          const holders = picture.flatMap((row, j) => (row[t]! > 0 ? [j] : []));
          // Of one token only: its value, where the place was.
          // Unless the system says itself how values come back.
          if (holders.length === 1 && !line.startsWith("cluster"))
            for (const [c, value] of recovered![i]![t]!.entries())
              expect(value).toBeCloseTo(x![i]![holders[0]!]![c]!, 9);
        }
      });
    });

    test("gradients are those of finite differences", () => {
      const built = build(line, special, { masked: true });
      const names = ["x", ...built.graph.parameters.keys()];
      const gradients = gradientsOf(built);
      const standsStill = line.startsWith("cluster");
      const measured = standsStill
        ? build(line, special, { fixed: float32(valuesOf(build(line, special)).get("origin")!) })
        : build(line, special, { masked: true });
      const lossAt = lossOf(measured);
      for (const direction of ["first", "second"]) {
        const predicted = sum(
          names.map((name, i) => {
            const along = toFloat64(random(`${direction} ${name}`, gradients[i]!.shape));
            return sum(Array.from(toFloat64(gradients[i]!), (value, j) => value * along[j]!));
          }),
        );
        const slope = (lossAt(direction, EPSILON) - lossAt(direction, -EPSILON)) / (2 * EPSILON);
        expect(Math.abs(slope - predicted)).toBeLessThan(
          (standsStill ? 1e-4 : 1e-5) * Math.max(1, Math.abs(predicted)),
        );
      }
    });
  });
});

/** A number that the class token says, which is always there and reads all that is left. */
function lossTensor({ graph, end }: Built): Tensor {
  const upstream = graph.input("upstream", [PICTURES, 1, WIDTH]);
  return reduceSum(mul(slice(end.x, 1, 0, 1), upstream), [0, 1, 2]);
}

const UPSTREAM = random("upstream", [PICTURES, 1, WIDTH]);

/** Of the loss by the input and by every parameter. */
function gradientsOf(built: Built): TensorData[] {
  const { graph, x } = built;
  const wrt = [x, ...[...graph.parameters.values()].map(({ tensor: value }) => widen(value))];
  for (const [i, gradient] of differentiate(lossTensor(built), wrt).entries()) graph.output(`${i}`, gradient);
  const inputs = { x: inputOf(x), upstream: UPSTREAM };
  return [...interpret(graph, { inputs, parameters: weightsOf(graph), precision: "float64" }).values()];
}

/** The loss so far along a direction from where the weights and the input are. */
function lossOf(built: Built): (direction: string, by: number) => number {
  const { graph, x } = built;
  graph.output("loss", lossTensor(built));
  return (direction, by) => {
    const moved = (value: TensorData, name: string): TensorData => {
      const along = toFloat64(random(`${direction} ${name}`, value.shape));
      return tensor(
        "float64",
        value.shape,
        toFloat64(value).map((number, i) => number + by * along[i]!),
      );
    };
    const inputs = { x: moved(inputOf(x), "x"), upstream: UPSTREAM };
    const parameters = new Map([...weightsOf(graph)].map(([name, value]) => [name, moved(value, name)]));
    return toFloat64(interpret(graph, { inputs, parameters, precision: "float64" }).get("loss")!)[0]!;
  };
}

const float32 = ({ shape, data }: TensorData) => tensor("float32", shape, Float32Array.from(data as Float64Array));

const EPSILON = 1e-6;

test("what the fused rest mattered is divided among its patches, not said of each", () => {
  const built = build("keep=0.6@0,1:evit", 1);
  const values = valuesOf(built, {
    score: patchScore(built.end)!,
    before: originOf({ ...built.end, history: built.end.history.slice(0, 1) }),
  });
  const score = toFloat64(values.get("score")!);
  rowsOf(values.get("before")!).forEach((origin, i) => {
    const ofPicture = score.subarray(i * PATCHES, (i + 1) * PATCHES);
    // The attention of one class token to all tokens but itself.
    expect(sum([...ofPicture])).toBeLessThan(1);
    // In the proportions in which the first block fused them.
    const fused = origin.at(-1)!.slice(1);
    const parts = fused.flatMap((share, t) => (share > 0 ? [ofPicture[t]! / share] : []));
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(part).toBeCloseTo(parts[0]!, 9);
  });
});

test("merging and dividing lose nothing: the masses sum to the number of tokens, and are what tokens are made of", () => {
  for (const line of ["merge=3@0,1:tome", "transform=0.6@0,1:transforming+tau=0.2"]) {
    const built = build(line, 1);
    const values = valuesOf(built, { mass: built.end.mass! });
    const [mass, origin] = [toFloat64(values.get("mass")!), rowsOf(values.get("origin")!)];
    const each = mass.length / PICTURES;
    origin.forEach((picture, i) => {
      expect(sum(Array.from(mass.subarray(i * each, (i + 1) * each)))).toBeCloseTo(1 + PATCHES, 9);
      // Every token's parts, weighed, are one token again.
      for (let t = 0; t < 1 + PATCHES; t++)
        expect(sum(picture.map((row, j) => row[t]! * mass[i * each + j]!))).toBeCloseTo(1, 9);
    });
  }
});

test("many tokens to many become a clustering as tau falls", () => {
  const origin = rowsOf(valuesOf(build("transform=0.6@0,1:transforming+tau=0.000001", 1)).get("origin")!);
  for (const picture of origin)
    for (let t = 0; t < 1 + PATCHES; t++) expect(picture.filter((row) => row[t]! > 1e-9).length).toBe(1);
});
