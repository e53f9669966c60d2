// Losses of dense detectors against the formulas as loops: RetinaNet, FCOS, and the points of BVR.
import { expect, test } from "vitest";
import { interpret } from "../../../graph/interpreter/interpret.ts";
import { trace } from "../../../graph/scope.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { defineModel } from "../../../models/registry.ts";
import { placesOf } from "../../../models/single-stage/boxes.ts";
import { type Level, levelsOf, type SingleStageConfig } from "../../../models/single-stage/config.ts";
import { RandomSource } from "../../../random.ts";
import { elementCount, type TensorData, tensor, toFloat32 } from "../../../tensor.ts";
import { DETECTION_DEFAULTS } from "../../annotated-fields.ts";
import { denseLoss } from "./objective.ts";

const CLASSES = 3;
const [HEIGHT, WIDTH] = [64, 96];
const SHARED = { num_classes: CLASSES, img_size: [HEIGHT, WIDTH], neck: { num_outs: 3 } };
/** Two things on one picture, the third place filled up: centre and size in pixels. No side is on a place, and no two boxes overlap one equally. */
const THINGS = [
  [41, 31, 31, 33],
  [61, 41, 49, 52],
] as const;
const OF_CLASS = [2, 0];

type Row = readonly number[];
type Values = ReadonlyMap<string, TensorData>;

const random = new RandomSource(0, "losses");
const draw = (shape: readonly number[], scale = 1): TensorData =>
  tensor(
    "float32",
    shape,
    Float32Array.from({ length: elementCount(shape) }, () => scale * random.normal()),
  );

const placeRows = (level: Level, config: SingleStageConfig) => {
  const numbers = toFloat32(placesOf(level, config));
  return Array.from({ length: numbers.length / 4 }, (_, row) => {
    const [x, y, width, height] = numbers.subarray(4 * row, 4 * row + 4);
    return [x!, y!, width!, height!] as const;
  });
};

/** The loss of drawn answers, and the answers. */
function lossOf(fields: Readonly<Record<string, unknown>>) {
  const config = defineModel("single_stage", { ...SHARED, ...fields }).config as SingleStageConfig;
  const isFcos = config.head.type === "FCOSHead";
  const levels = levelsOf(config);
  const drawn = new Map<string, TensorData>();
  const graph = trace(({ graph: own }) => {
    const input = (name: string, shape: readonly number[], scale = 1): Tensor => {
      const value = draw(shape, scale);
      // Distances are positive, and about as long as things are.
      const lengths = toFloat32(value).map((x) => Math.abs(x) * 20 + 1);
      const isDistance = name.startsWith("regression") && isFcos;
      drawn.set(name, isDistance ? tensor("float32", shape, lengths) : value);
      return own.input(name, shape);
    };
    const answers = levels.map((level, i) => {
      const rows = placesOf(level, config).shape[0]!;
      return {
        level,
        logits: input(`logits.${i}`, [1, rows, CLASSES]),
        regression: input(`regression.${i}`, [1, rows, 4], 0.3),
        ...(isFcos ? { centerness: input(`centerness.${i}`, [1, rows, 1]) } : {}),
      };
    });
    const maps = (type: string) => ({
      heats: levels.map(({ height, width }, i) => input(`heat.${type}.${i}`, [1, CLASSES, height, width])),
      offsets: levels.map(({ height, width }, i) => input(`offset.${type}.${i}`, [1, 2, height, width])),
    });
    const keypoints =
      config.bvr === null
        ? {}
        : {
            keypoints: {
              top_left_corner: maps("top_left_corner"),
              bottom_right_corner: maps("bottom_right_corner"),
              center: maps("center"),
            },
          };
    const targets = {
      classes: own.input("classes", [1, 3], "int64"),
      boxes: own.input("boxes", [1, 3, 4]),
      valid: own.input("valid", [1, 3]),
    };
    const answer = { levels: answers, features: own.input("features", [1, 1]), ...keypoints };
    return { loss: denseLoss(answer, targets, config, DETECTION_DEFAULTS) };
  });
  const relative = THINGS.flatMap(([x, y, width, height]) => [x / WIDTH, y / HEIGHT, width / WIDTH, height / HEIGHT]);
  const found = interpret(graph, {
    inputs: {
      ...Object.fromEntries([...drawn].filter(([name]) => graph.inputs.has(name))),
      features: tensor("float32", [1, 1], new Float32Array(1)),
      classes: tensor("int64", [1, 3], BigInt64Array.from([...OF_CLASS, 0].map(BigInt))),
      boxes: tensor("float32", [1, 3, 4], Float32Array.from([...relative, 0.5, 0.5, 1, 1])),
      valid: tensor("float32", [1, 3], Float32Array.from([1, 1, 0])),
    },
    parameters: new Map(),
  });
  return { loss: Number(found.get("loss")!.data[0]), drawn, config, levels };
}

/** Rows of all levels, one after another. */
function rowsOf(drawn: Values, name: string, levels: number, width: number): Row[] {
  return Array.from({ length: levels }, (_, i) => Array.from(drawn.get(`${name}.${i}`)!.data, Number)).flatMap(
    (values) => Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width)),
  );
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const entropy = (x: number, target: number) => -target * Math.log(sigmoid(x)) - (1 - target) * Math.log(1 - sigmoid(x));

function focal(x: number, isThere: boolean): number {
  const p = sigmoid(x);
  return isThere ? -0.25 * (1 - p) ** 2 * Math.log(p) : -0.75 * p ** 2 * Math.log(1 - p);
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Of boxes of centres and sizes: what they share, cover, and the box around both. */
function areas(a: Row, b: Row) {
  const side = (box: Row, i: number, sign: number) => box[i]! + (sign * box[i + 2]!) / 2;
  const along = (i: number) => ({
    shared: Math.max(0, Math.min(side(a, i, 1), side(b, i, 1)) - Math.max(side(a, i, -1), side(b, i, -1))),
    around: Math.max(side(a, i, 1), side(b, i, 1)) - Math.min(side(a, i, -1), side(b, i, -1)),
  });
  const [x, y] = [along(0), along(1)];
  const shared = x.shared * y.shared;
  return { shared, union: a[2]! * a[3]! + b[2]! * b[3]! - shared, hull: x.around * y.around };
}

function overlap(a: Row, b: Row): number {
  const { shared, union } = areas(a, b);
  return shared / union;
}

function classLosses(logits: readonly Row[], owners: readonly number[], learns: readonly boolean[]): number {
  return sum(
    logits.flatMap((row, i) =>
      learns[i] ? row.map((x, label) => focal(x, owners[i]! >= 0 && OF_CLASS[owners[i]!] === label)) : [],
    ),
  );
}

test("RetinaNet", () => {
  const { loss, drawn, config, levels } = lossOf({});
  const places = levels.flatMap((level) => placeRows(level, config));
  const rows = places.map((place) => THINGS.map((thing) => overlap(place, thing)));
  const best = THINGS.map((_, i) => Math.max(...rows.map((row) => row[i]!)));
  const owners = rows.map((row) => {
    const closest = row.map((value, i) => (value > best[i]! - 1e-9 ? i : -1));
    const most = Math.max(...row);
    return Math.max(...closest) >= 0 ? Math.max(...closest) : most >= 0.5 ? row.indexOf(most) : -1;
  });
  const learns = rows.map((row, i) => owners[i]! >= 0 || Math.max(...row) < 0.4);
  const regression = rowsOf(drawn, "regression", levels.length, 4);
  const distances = owners.flatMap((own, i) => {
    if (own < 0) return [];
    const [px, py, pw, ph] = places[i]!;
    const [x, y, width, height] = THINGS[own]!;
    const wanted = [(x - px) / pw, (y - py) / ph, Math.log(width / pw), Math.log(height / ph)];
    return wanted.map((value, side) => Math.abs(regression[i]![side]! - value));
  });
  const count = owners.filter((own) => own >= 0).length;
  expect(count).toBeGreaterThan(2);
  const classes = classLosses(rowsOf(drawn, "logits", levels.length, CLASSES), owners, learns);
  expect(loss).toBeCloseTo((2 * classes + 2 * sum(distances)) / count, 4);
});

test("FCOS", () => {
  const { loss, drawn, config, levels } = lossOf({ head: { type: "FCOSHead" } });
  const places = levels.flatMap((level, i) =>
    placeRows(level, config).map((place) => ({
      place,
      least: i === 0 ? -1 : 4 * level.stride,
      most: i === levels.length - 1 ? Number.POSITIVE_INFINITY : 8 * level.stride,
    })),
  );
  const sidesOf = ([px, py]: Row, [x, y, width, height]: Row) => [
    px! - x! + width! / 2,
    py! - y! + height! / 2,
    x! + width! / 2 - px!,
    y! + height! / 2 - py!,
  ];
  const owners = places.map(({ place, least, most }) => {
    const fits = THINGS.map((thing) => {
      const sides = sidesOf(place, thing);
      return Math.min(...sides) > 0 && Math.max(...sides) >= least && Math.max(...sides) <= most;
    });
    // The first thing is the smaller one.
    return fits.indexOf(true);
  });
  const matched = owners.flatMap((own, i) => (own < 0 ? [] : [i]));
  expect(matched.length).toBeGreaterThan(4);
  const regression = rowsOf(drawn, "regression", levels.length, 4);
  const centerness = rowsOf(drawn, "centerness", levels.length, 1);
  const each = matched.map((i) => {
    const { place } = places[i]!;
    const thing = THINGS[owners[i]!]!;
    const [left, top, right, bottom] = sidesOf(place, thing) as [number, number, number, number];
    const share = (a: number, b: number) => Math.min(a, b) / Math.max(a, b);
    const central = Math.sqrt(share(left, right) * share(top, bottom));
    const [l, t, r, b] = regression[i] as unknown as [number, number, number, number];
    const box = [place[0] + (r - l) / 2, place[1] + (b - t) / 2, l + r, t + b];
    const { shared, union, hull } = areas(box, thing);
    return { central, apart: 1 - (shared / union - (hull - union) / hull), said: entropy(centerness[i]![0]!, central) };
  });
  const count = matched.length;
  const boxes = sum(each.map(({ central, apart }) => central * apart)) / sum(each.map(({ central }) => central));
  const classes =
    classLosses(
      rowsOf(drawn, "logits", levels.length, CLASSES),
      owners,
      owners.map(() => true),
    ) / count;
  expect(loss).toBeCloseTo(2 * classes + 2 * boxes + (2 * sum(each.map(({ said }) => said))) / count, 4);
});

test("points of BVR", () => {
  const { loss, drawn, config, levels } = lossOf({ bvr: {} });
  const corner = (sign: number) =>
    THINGS.map(([x, y, width, height]) => [x + (sign * width) / 2, y + (sign * height) / 2]);
  const points = { top_left_corner: corner(-1), bottom_right_corner: corner(1), center: corner(0) };
  // CornerNet's radius for an overlap of 0.7, as its authors have it.
  const deviations = THINGS.map(([, , width, height]) => {
    const [s, area] = [width + height, width * height];
    const one = (s - Math.sqrt(s * s - (4 * area * 0.3) / 1.7)) / 2;
    const two = (2 * s - Math.sqrt(4 * s * s - 16 * 0.3 * area)) / 8;
    const three = (-1.4 * s + Math.sqrt((1.4 * s) ** 2 + 4 * 2.8 * 0.3 * area)) / 5.6;
    return (2 * Math.min(one, two, three) + 1) / 6;
  });
  let [heat, moved, count] = [0, 0, 0];
  for (const [type, at] of Object.entries(points))
    levels.forEach(({ stride, height, width }, level) => {
      const cells = Array.from(
        { length: height * width },
        (_, i) => [(i % width) * stride + stride / 2, Math.floor(i / width) * stride + stride / 2] as const,
      );
      const nearest = at.map(([x, y]) => {
        const far = cells.map(([cx, cy]) => (cx - x!) ** 2 + (cy - y!) ** 2);
        return far.indexOf(Math.min(...far));
      });
      const heats = drawn.get(`heat.${type}.${level}`)!.data;
      const offsets = drawn.get(`offset.${type}.${level}`)!.data;
      cells.forEach(([cx, cy], cell) => {
        const scores = nearest.map((place, i) => {
          const [nx, ny] = cells[place]!;
          return Math.exp(-((cx - nx) ** 2 + (cy - ny) ** 2) / (2 * deviations[i]! ** 2));
        });
        const own = scores.indexOf(Math.max(...scores));
        for (let label = 0; label < CLASSES; label++) {
          const target = OF_CLASS[own] === label ? scores[own]! : 0;
          const p = sigmoid(Number(heats[label * cells.length + cell]));
          heat += target === 1 ? -((1 - p) ** 2) * Math.log(p) : -(p ** 2) * (1 - target) ** 4 * Math.log(1 - p);
        }
        if (!nearest.includes(cell)) return;
        count++;
        at[own]!.forEach((to, axis) => {
          const d = Math.abs(Number(offsets[axis * cells.length + cell]) - (to - [cx, cy][axis]!) / stride);
          moved += d < 1 ? (d * d) / 2 : d - 0.5;
        });
      });
    });
  const ofPoints = (2 * (0.25 * heat + moved)) / count;
  const without = retinaOnly(drawn, levels.length, config);
  expect(loss).toBeCloseTo(without + ofPoints, 3);
});

/** The rest of the loss, of the same answers. */
function retinaOnly(drawn: Values, levels: number, config: SingleStageConfig): number {
  const graph = trace(({ graph: own }) => {
    const answers = levelsOf(config).map((level, i) => ({
      level,
      logits: own.input(`logits.${i}`, drawn.get(`logits.${i}`)!.shape as number[]),
      regression: own.input(`regression.${i}`, drawn.get(`regression.${i}`)!.shape as number[]),
    }));
    const targets = {
      classes: own.input("classes", [1, 2], "int64"),
      boxes: own.input("boxes", [1, 2, 4]),
      valid: own.input("valid", [1, 2]),
    };
    const answer = { levels: answers, features: own.input("features", [1, 1]) };
    return { loss: denseLoss(answer, targets, { ...config, bvr: null }, DETECTION_DEFAULTS) };
  });
  const relative = THINGS.flatMap(([x, y, width, height]) => [x / WIDTH, y / HEIGHT, width / WIDTH, height / HEIGHT]);
  const answers = Array.from({ length: levels }, (_, i) => [`logits.${i}`, `regression.${i}`]).flat();
  const found = interpret(graph, {
    inputs: {
      ...Object.fromEntries(answers.map((name) => [name, drawn.get(name)!])),
      features: tensor("float32", [1, 1], new Float32Array(1)),
      classes: tensor("int64", [1, 2], BigInt64Array.from(OF_CLASS, BigInt)),
      boxes: tensor("float32", [1, 2, 4], Float32Array.from(relative)),
      valid: tensor("float32", [1, 2], Float32Array.from([1, 1])),
    },
    parameters: new Map(),
  });
  return Number(found.get("loss")!.data[0]);
}
