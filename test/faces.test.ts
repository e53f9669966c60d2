// FaceAnalyzer and `saccade faces` with a toy: places of points and parts on the picture, margins, drawings, and what is refused.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { maskArea, maskBox } from "../src/boxes/masks.ts";
import { UsageError } from "../src/errors.ts";
import { writeModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { FaceAnalyzer } from "../src/node.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { readFace, withMargin } from "../src/tasks/faces/read-face.ts";
import { tensor } from "../src/tensor.ts";
import { cli } from "./cli/fake-terminal.ts";
import { toyOf } from "./registry-toys.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "saccade-faces-"));
  const definition = defineModel("facexformer", toyOf("facexformer").config);
  const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 0), { name: "toy" });
  await writeModelFolder(nodeHost.files, join(folder, "model"), model);
  const data = Uint8Array.from({ length: 90 * 70 * 3 }, (_, i) => 128 + 100 * Math.sin(i / 40));
  await nodeHost.files.writeAtomic(join(folder, "face.png"), await nodeHost.encodePng({ width: 90, height: 70, data }));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const floats = (shape: number[], data: ArrayLike<number>) => tensor("float32", shape, Float32Array.from(data));

test("points, parts, angles and likely labels lie where the face is", () => {
  const points = new Array<number>(136).fill(0);
  points.splice(0, 4, -1, -1, 1, 0.5);
  const outputs = {
    // Of 2 x 2 cells, part 2 is in the upper right one, background elsewhere.
    masks: floats(
      [1, 11, 2, 2],
      Array.from({ length: 44 }, (_, i) => (i < 4 ? 1 : i === 9 ? 2 : 0)),
    ),
    landmarks: floats([1, 136], points),
    pose: floats([1, 3], [Math.PI / 6, 0, -Math.PI / 2]),
    attributes: floats([1, 40], new Array(40).fill(0)),
    age: floats([1, 8], [0, 0, 5, 0, 0, 0, 0, 0]),
    gender: floats([1, 2], [0, 0]),
    race: floats([1, 5], [0, 0, 0, 0, 9]),
    visibility: floats([1, 29], new Array(29).fill(50)),
  };
  const face = readFace(outputs, 0, [10, 20, 30, 60], { width: 100, height: 80 });
  expect(face.landmarks.slice(0, 3)).toEqual([
    [10, 20],
    [30, 50],
    [20, 40],
  ]);
  expect(face.pose.pitch).toBeCloseTo(30, 4);
  expect(face.pose.roll).toBeCloseTo(-90, 4);
  expect(face.age[0]?.label).toBe("20-29");
  expect(face.race[0]).toMatchObject({ label: "Others" });
  expect(face.gender.map(({ score }) => score)).toEqual([0.5, 0.5]);
  expect([face.attributes.length, face.attributes[20]?.label, face.attributes[31]]).toEqual([
    40,
    "Male",
    { label: "Smiling", score: 0.5 },
  ]);
  expect(face.visibility.every((score) => score > 0.99)).toBe(true);
  expect(face.parts.map(({ index }) => index)).toEqual([2]);
  expect(maskBox(face.parts[0]!.mask)).toEqual([20, 20, 30, 40]);
  expect(maskArea(face.parts[0]!.mask)).toBe(200);
});

test("a face is seen with half of its size around it, as far as the picture goes", () => {
  expect(withMargin([40, 20, 60, 60], { width: 100, height: 65 })).toEqual([35, 10, 65, 65]);
  expect(() => withMargin([200, 20, 260, 60], { width: 100, height: 65 })).toThrow(UsageError);
});

test("a picture is one face, or has those that are said", async () => {
  await using analyzer = await FaceAnalyzer.load(join(folder, "model"));
  const picture = join(folder, "face.png");
  const whole = await analyzer.analyze(picture);
  expect(whole.faces.map(({ box }) => box)).toEqual([[0, 0, 90, 70]]);
  const two = await analyzer.analyze(
    {
      picture,
      faces: [
        [10, 10, 30, 30],
        [40, 20, 80, 60],
      ],
    },
    { batchSize: 1 },
  );
  const together = await analyzer.analyze({
    picture,
    faces: [
      [10, 10, 30, 30],
      [40, 20, 80, 60],
    ],
  });
  expect(two.faces.map(({ box }) => box)).toEqual([
    [5, 5, 35, 35],
    [30, 10, 90, 70],
  ]);
  together.faces.forEach(({ landmarks }, i) => {
    landmarks.forEach((point, j) => {
      expect(point[0]).toBeCloseTo(two.faces[i]!.landmarks[j]![0], 2);
    });
  });
  await expect(analyzer.analyze({ picture, faces: [[200, 0, 210, 10]] })).rejects.toThrow("not on the picture");
  await expect(FaceAnalyzer.load("saccade/everyday")).rejects.toMatchObject({
    hint: expect.stringContaining("classify"),
  });
});

test("saccade faces says and draws it", async () => {
  const [picture, model, draw] = [join(folder, "face.png"), join(folder, "model"), join(folder, "drawn.png")];
  const { exitCode, stdout, notes } = await cli([
    "faces",
    picture,
    "--model",
    model,
    "--face",
    "10,10,60,60",
    "--draw",
    draw,
    "--json",
  ]);
  expect([exitCode, notes]).toEqual([0, []]);
  const { faces, width, drawn } = JSON.parse(stdout);
  expect([width, faces.length, faces[0].landmarks.length, Object.keys(faces[0].attributes).length, drawn]).toEqual([
    90,
    1,
    68,
    40,
    draw,
  ]);
  expect((await nodeHost.decode(await nodeHost.files.read(draw))).width).toBe(640);
  const text = await cli(["faces", picture, "--model", model]);
  expect(text.stdout).toMatch(/^face in 0, 0, 90, 70: 68 points/);
  const wrong = await cli(["faces", picture, "--model", model, "--face", "10,10,5,60"]);
  expect([wrong.exitCode, wrong.notes.join("\n")]).toEqual([2, expect.stringContaining("left,top,right,bottom")]);
});
