import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import { alignFace, type FacePoints } from "../../src/image/align-face.ts";
import { equalErrorRate, rocAuc, tprAtFar } from "../../src/learn/ranking.ts";
import { writeModelFolder } from "../../src/model-folder/load.ts";
import { nativeModel } from "../../src/model-folder/native.ts";
import { inferenceGraph, initialWeights } from "../../src/models/graph.ts";
import { defineModel } from "../../src/models/registry.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { loadEmbedder } from "../../src/tasks/embed/embedder.ts";
import { readPicture } from "../../src/tasks/engine/pictures.ts";
import { toyOf } from "../registry-toys.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder } from "./mini-model.ts";

const folder = temporaryFolder();
const at = (...parts: string[]) => join(folder, ...parts);

/** Columns and rows of a drawn face's eyes, nose and mouth. */
const pointsOf = (i: number): FacePoints => {
  const [x, y] = [60 + 9 * i, 50 + 7 * i];
  return [
    [x, y],
    [x + 40, y + 3 * i],
    [x + 18, y + 24],
    [x + 6, y + 44],
    [x + 34, y + 46],
  ];
};

async function drawFace(path: string, i: number, colour: string): Promise<void> {
  const dots = pointsOf(i).map(([x, y], k) => `<circle cx="${x}" cy="${y}" r="${4 + k}" fill="${colour}"/>`);
  const svg = `<svg width="200" height="160"><rect width="200" height="160" fill="#${i}${i}9"/>${dots.join("")}</svg>`;
  await sharp(Buffer.from(svg)).png().toFile(path);
}

const FACES = ["a0", "a1", "b0", "b1", "c0", "c1"].map((name) => `${name}.png`);
const pairs = FACES.flatMap((first, i) => FACES.slice(i + 1).map((second) => ({ first, second })));
const isSame = ({ first, second }: (typeof pairs)[number]) => first[0] === second[0];

beforeAll(async () => {
  mkdirSync(at("faces"));
  for (const [i, name] of FACES.entries()) await drawFace(at("faces", name), i, ["#fff", "#f80", "#08f"][i >> 1]!);
  const rows = pairs.map((pair) => `${pair.first},${pair.second},${Number(isSame(pair))}`);
  writeFileSync(at("faces", "pairs.csv"), ["first,second,same", ...rows, "gone.png,a0.png,1"].join("\n"));
  writeFileSync(at("faces", "one-kind.csv"), "first,second,same\na0.png,b0.png,0\n");
  writeFileSync(at("faces", "gone.csv"), "first,second,same\na0.png,b0.png,0\ngone.png,a0.png,1\n");
  writeFileSync(at("faces", "none.csv"), "first,second,same\ngone.png,a0.png,1\ngone.png,b0.png,0\n");
  const points = FACES.slice(0, 5).map((name, i) => [name, ...pointsOf(i).flat()].join(","));
  writeFileSync(at("faces", "points.csv"), ["path,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5", ...points].join("\n"));
  const definition = defineModel("lightcnn_9", toyOf("lightcnn_9").config);
  const labels = Array.from({ length: 11 }, (_, i) => `person ${i}`);
  const model = nativeModel(definition, initialWeights(inferenceGraph(definition), 3), { name: "faces", labels });
  await writeModelFolder(nodeHost.files, at("model"), model);
});

test("the numbers are those of the cosines of what embed gives, and each picture counts once", async () => {
  const { exitCode, stdout, notes } = await cli([
    "eval",
    at("model"),
    "--pairs",
    at("faces/pairs.csv"),
    "--json",
    "--far",
    "0.5,0.1",
  ]);
  expect(exitCode).toBe(0);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({ pairs: 15, same: 3, left_out: 1, pictures: 6, model: at("model") });
  await using embedder = await loadEmbedder(nodeHost, at("model"));
  const vectors = await embedder.embed(FACES.map((name) => at("faces", name)));
  const scores = Float64Array.from(pairs, ({ first, second }) =>
    vectors[FACES.indexOf(first)]!.reduce((sum, value, i) => sum + value * vectors[FACES.indexOf(second)]![i]!, 0),
  );
  const same = Uint8Array.from(pairs, (pair) => Number(isSame(pair)));
  for (const [i, { score }] of found.scores.entries()) expect(score).toBeCloseTo(scores[i]!, 5);
  expect(found.eer).toBeCloseTo(equalErrorRate(scores, same), 9);
  expect(found.auc).toBeCloseTo(rocAuc(scores, same), 9);
  expect(found.tpr_at_far.map(({ tpr }: { tpr: number }) => tpr)).toEqual(
    [0.5, 0.1].map((far) => tprAtFar(scores, same, far).tpr),
  );
  expect(notes.join("\n")).toMatch(/left out: .*gone\.png/);
});

test("faces are aligned before the model sees them, and those without points are left out", async () => {
  const args = ["eval", at("model"), "--pairs", at("faces/pairs.csv"), "--landmarks", at("faces/points.csv"), "--json"];
  const { exitCode, stdout, notes } = await cli(args);
  expect(exitCode).toBe(0);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({ pictures: 5, pairs: 10, left_out: 6 });
  expect(found.space.transform).toBe("central_crop(32)|value_range(0,1)");
  expect(notes.join("\n")).toContain("c1.png: the list of faces says nothing of it");
  await using embedder = await loadEmbedder(nodeHost, at("model"));
  const aligned = await Promise.all(
    [0, 1].map(async (i) => alignFace(await readPicture(nodeHost, at("faces", FACES[i]!)), pointsOf(i), { size: 32 })),
  );
  const [a, b] = await embedder.embed(aligned);
  const { score } = found.scores[0];
  expect(score).toBeCloseTo(
    a!.reduce((sum, value, i) => sum + value * b![i]!, 0),
    5,
  );
});

test("for people, within the terminal's columns", async () => {
  const { exitCode, stdout } = await cli(["eval", at("model"), "--pairs", at("faces/pairs.csv")], { columns: 80 });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/pairs +15 +3 of the same; 1 left out/);
  expect(stdout).toMatch(/EER +[\d.]+ %/);
  expect(stdout).toMatch(/10 % +[\d.]+ % +/);
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("what does not go together is said before anything is loaded", async () => {
  const refused = async (...args: string[]) => {
    const { exitCode, notes } = await cli(["eval", ...args]);
    expect(exitCode).toBe(2);
    return notes.join("\n");
  };
  const list = at("faces/pairs.csv");
  expect(await refused("none")).toContain("eval needs labelled pictures, or pairs of pictures");
  expect(await refused("none", "data", "--pairs", list)).toContain("leave --pairs out");
  expect(await refused("none", "--pairs", list, "--save-thresholds")).toContain(
    "--save-thresholds is for labelled pictures",
  );
  expect(await refused("none", "data", "--landmarks", "l.csv")).toContain("--landmarks is for pairs");
  expect(await refused("none", "--pairs", list, "--align", "five-points")).toContain("--landmarks");
  expect(await refused("none", "--pairs", list, "--far", "7")).toContain("numbers between 0 and 1");
  expect(await refused(at("model"), "--pairs", at("faces/one-kind.csv"))).toContain(
    "all 1 pairs that can be used are different",
  );
  const gone = await refused(at("model"), "--pairs", at("faces/gone.csv"));
  expect(gone).toContain("all 1 pairs that can be used are different; left out: ");
  expect(gone).toContain("gone.png");
  expect(await refused(at("model"), "--pairs", at("faces/none.csv"))).toMatch(
    /no pair can be used; left out: .*gone\.png/,
  );
});
