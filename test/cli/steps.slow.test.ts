// The commands on a model that runs in steps: a toy GFNet as a model folder.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { convertCheckpoint } from "../../src/model-folder/convert.ts";
import { writeModelFolder } from "../../src/model-folder/load.ts";
import type { Host } from "../../src/platform/host.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { loadAdaptiveClassifier } from "../../src/tasks/classify/adaptive-classifier.ts";
import { readSafetensors } from "../../src/weights/safetensors.ts";
import { TOY_CONFIG, toyOutputs, toyPath, toyPictures } from "../gfnet-toys.ts";
import { maxDifference } from "../golden-case.ts";
import { cli } from "./fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeInput, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const model = join(folder, "toy");
/** Four pictures of three classes. */
const data = join(folder, "data");
const labels = Array.from({ length: 10 }, (_, i) => `thing ${i}`);
const labelsFile = join(folder, "labels.txt");
const toyFields = Object.entries(TOY_CONFIG.recurrent).flatMap(([name, value]) => [
  "--config",
  `${name}=${JSON.stringify(value)}`,
]);

beforeAll(async () => {
  const bytes = readFileSync(toyPath("recurrent"));
  const converted = convertCheckpoint(bytes, "toy", { architecture: "gfnet", config: TOY_CONFIG.recurrent, labels });
  await writeModelFolder(nodeHost.files, model, converted.model);
  writeFileSync(labelsFile, labels.join("\n"));
  for (const [i, picture] of [PASTORAL, BOATS, PASTORAL, BOATS].entries()) {
    mkdirSync(join(data, `thing ${i % 3}`), { recursive: true });
    copyFileSync(picture, join(data, `thing ${i % 3}`, `${i}.jpg`));
  }
});

const classify = async (...args: string[]) => {
  const { exitCode, stdout, notes } = await cli(["classify", PASTORAL, BOATS, "-m", model, "--json", ...args]);
  expect(notes).toEqual([]);
  expect(exitCode).toBe(0);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
};

describe("classify", () => {
  test("takes all steps, and says where it looked in pixels of the picture", async () => {
    for (const answer of await classify("--device", "cpu")) {
      expect(answer.stopped).toBe("complete");
      expect(answer.steps.map(({ name }: { name: string }) => name)).toEqual(["glance", "focus", "focus"]);
      const [glance, ...patches] = answer.steps.map(({ box }: { box: number[] }) => box) as number[][];
      for (const [x1, y1, x2, y2] of patches as [number, number, number, number][]) {
        expect(x2 - x1).toBeCloseTo((glance![2]! - glance![0]!) / 2, 0); // 32 of 64 pixels
        expect(x1 >= glance![0]! && y1 >= glance![1]! && x2 <= glance![2]! && y2 <= glance![3]!).toBe(true);
      }
      const last = answer.steps.at(-1);
      expect(last.prediction).toEqual(answer.predictions[0]);
      expect(answer.steps[0].macs).toBeLessThan(last.macs);
    }
  });

  test("stops when it is sure, when the budget is spent, and on average", async () => {
    const complete = await classify();
    const glances = complete.map(({ steps }) => steps[0].confidence).sort();
    // Between the two pictures' confidences: one stops at once, the other does not.
    const between = String((glances[0] + glances[1]) / 2);
    const sure = await classify("--threshold", between);
    expect(sure.map(({ steps }) => steps.length === 1).sort()).toEqual([false, true]);
    expect(sure.map(({ stopped }) => stopped)).toContain("confident");
    const two = await classify("--budget-macs", String(complete[0].steps[1].macs));
    expect(two.map(({ steps, stopped }) => [steps.length, stopped])).toEqual([
      [2, "budget"],
      [2, "budget"],
    ]);
    expect((await classify("--budget-ms", "0.001")).map(({ steps }) => steps.length)).toEqual([1, 1]);
    expect((await classify("--budget-ms", "1e9")).map(({ steps }) => steps.length)).toEqual([3, 3]);
    // The cheapest stored thresholds are 0.2 and 0.3.
    const average = await classify("--average-macs", String(complete[0].steps[2].macs * 0.31));
    for (const [i, { steps, stopped }] of average.entries()) {
      const expected = complete[i].steps.findIndex(
        (step: { confidence: number }, at: number) => step.confidence >= [0.2, 0.3, -1][at]!,
      );
      expect(steps).toHaveLength(expected + 1);
      expect(stopped).toBe(expected === 2 ? "complete" : "confident");
    }
  });

  test("in words, and drawn", async () => {
    const out = join(folder, "looks.png");
    const args = ["classify", BOATS, "-m", model, "--budget-macs", "1", "--explain", out];
    const { exitCode, stdout } = await cli(args);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/1 of 3 steps, then the budget was spent: thing \d \d+ %; \d+ kMACs/);
    expect(existsSync(out)).toBe(true);
  });

  test("a model that has no steps cannot stop between them", async () => {
    const mini = writeMini(folder, "sparseformer_v1_mini_64x64", { labels });
    const { exitCode, notes } = await cli(["classify", BOATS, "-m", mini, "--budget-ms", "5"]);
    expect(exitCode).toBe(2);
    expect(notes.join("\n")).toContain("does not run in steps, so --budget-ms cannot stop it early");
  });

  test.each([
    ["--threshold", "2"],
    ["--threshold", ""],
    ["--budget-ms", "-1"],
    ["--budget-macs", "1Q"],
    ["--average-macs", "0"],
  ])("%s %s is no value", async (flag, value) => {
    expect((await cli(["classify", BOATS, "-m", model, flag, value])).exitCode).toBe(2);
  });
});

test("run writes the logits of every step, and the actions", async () => {
  const input = writeInput(join(folder, "in.safetensors"), new Map([["image", toyPictures()]]));
  const out = join(folder, "out.safetensors");
  const { exitCode } = await cli(["run", model, "--input", input, "--output", out]);
  expect(exitCode).toBe(0);
  const { tensors } = readSafetensors(readFileSync(out));
  for (const [name, expected] of toyOutputs("recurrent"))
    expect(maxDifference(tensors.get(name), expected), name).toBeLessThan(1e-5);
});

test("export: one file that takes all steps, which classify reads too", async () => {
  const out = join(folder, "toy.onnx");
  expect((await cli(["export", model, out])).stdout).toMatch(/largest difference/);
  const [whole, steps] = [await cli(["classify", BOATS, "-m", out, "--json"]), await classify()];
  const { predictions } = JSON.parse(whole.stdout);
  const top = steps.find(({ path }: { path: string }) => path === BOATS).predictions;
  expect(predictions.map(({ label }: { label: string }) => label)).toEqual(
    top.map(({ label }: { label: string }) => label),
  );
  expect(predictions[0].score).toBeCloseTo(top[0].score, 5);
});

test("export --stages: a folder of files, compared with the model", async () => {
  const out = join(folder, "stages");
  const { exitCode, stdout } = await cli(["export", model, out, "--stages"]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/glance\.onnx .*, focus\.onnx .*; steps: glance, focus, focus\n.*compared with the model/);
  const { steps } = JSON.parse(readFileSync(join(out, "steps.json"), "utf8"));
  expect(steps.map(({ file }: { file: string }) => file)).toEqual(["glance.onnx", "focus.onnx", "focus.onnx"]);
  for (const { file } of steps) expect(existsSync(join(out, file))).toBe(true);
  const mini = writeMini(folder, "sparseformer_v1_mini_64x64", { labels });
  expect((await cli(["export", mini, out, "--stages"])).notes.join()).toContain("does not run in steps");
  expect((await cli(["export", model, out, "--stages", "--batch", "1"])).exitCode).toBe(2);
});

test("eval: accuracy after each step, and what stopping early saves", async () => {
  const { exitCode, stdout } = await cli(["eval", model, data, "--json"]);
  expect(exitCode).toBe(0);
  const { steps, early_exit: curve, top1, count } = JSON.parse(stdout);
  expect(count).toBe(4);
  expect(steps).toHaveLength(3);
  expect(steps[2].top1).toBe(top1);
  expect(curve).toHaveLength(39);
  const text = await cli(["eval", model, data]);
  expect(text.stdout).toMatch(/all pictures take steps +cost each +top-1/);
  expect(text.stdout).toContain("stopping early");
});

describe("eval --save-thresholds", () => {
  const own = join(folder, "own");
  const configOf = () => JSON.parse(readFileSync(join(own, "config.json"), "utf8"));

  test("writes what was solved into the model folder and nothing else, and --average-macs goes by it", async () => {
    cpSync(model, own, { recursive: true });
    const before = configOf();
    const { exitCode, notes } = await cli(["eval", own, data, "--save-thresholds"]);
    expect(exitCode).toBe(0);
    expect(notes.join("\n")).toMatch(/thresholds for \d+ average budgets: .*config\.json/);
    const { early_exit: saved, ...rest } = configOf();
    expect(rest).toEqual(before);
    expect(saved).toMatchObject({ data, pictures: 4 });
    for (const { share, thresholds } of saved.points) {
      expect(share).toBeLessThanOrEqual(1);
      expect(thresholds).toHaveLength(3);
    }
    const about = (await cli(["inspect", own])).stdout;
    expect(about).toContain(`thresholds for ${saved.points.length} average budgets`);
    expect(about.replace(/\s+/g, " ")).toContain("solved on 4 pictures of");
    // Thresholds that nobody reaches, and those that everybody does, by their cost.
    const points = [
      { share: 0.9, thresholds: [2, 2, -1] },
      { share: 0.4, thresholds: [0, 0, -1] },
    ];
    writeFileSync(join(own, "config.json"), JSON.stringify({ ...rest, early_exit: { points } }));
    const stepsFor = async (share: number) => {
      const all = (await classify())[0].steps.at(-1).macs;
      const args = ["classify", BOATS, "-m", own, "--json", "--average-macs", String(Math.ceil(all * share))];
      return JSON.parse((await cli(args)).stdout).steps.length;
    };
    expect([await stepsFor(0.5), await stepsFor(0.95)]).toEqual([1, 3]);
    const cheap = await cli(["classify", BOATS, "-m", own, "--average-macs", "1"]);
    expect(cheap.exitCode).toBe(2);
    expect(cheap.notes.join("\n")).toContain("of the cheapest stored thresholds");
  });

  test.each([
    [["--config", "T=2"], "a changed configuration do not fit the model folder"],
    [["--limit", "1"], "one picture is too little"],
  ])("refuses %j", async (more, message) => {
    const text = readFileSync(join(model, "config.json"), "utf8");
    const { exitCode, notes } = await cli(["eval", model, data, "--save-thresholds", ...more]);
    expect(exitCode).toBe(2);
    expect(notes.join("\n")).toContain(message);
    expect(readFileSync(join(model, "config.json"), "utf8")).toBe(text);
  });

  test("refuses what is no folder, and what has no steps", async () => {
    const checkpoint = await cli([
      "eval",
      toyPath("recurrent"),
      data,
      "--save-thresholds",
      "--architecture",
      "gfnet",
      ...toyFields,
      "--labels",
      labelsFile,
    ]);
    expect(checkpoint.exitCode).toBe(2);
    expect(checkpoint.notes.join("\n")).toMatch(/saved in its folder, and .* is none/);
    const mini = writeMini(folder, "sparseformer_v1_mini_64x64", { labels });
    const plain = await cli(["eval", mini, data, "--save-thresholds"]);
    expect(plain.exitCode).toBe(2);
    expect(plain.notes.join("\n")).toContain("does not run in steps");
  });

  test.each([
    ["no points", { points: [] }],
    ["a share above one", { points: [{ share: 2, thresholds: [0.5, -1] }] }],
    ["a threshold that is a word", { points: [{ share: 0.5, thresholds: ["half", -1] }] }],
  ])("a folder with %s is refused in words", async (_, broken) => {
    const folderName = join(folder, "broken");
    cpSync(model, folderName, { recursive: true });
    writeFileSync(join(folderName, "config.json"), JSON.stringify({ ...configOf(), early_exit: broken }));
    const { exitCode, notes } = await cli(["classify", BOATS, "-m", folderName]);
    expect(exitCode).toBe(1);
    expect(notes.join("\n")).toContain("early_exit");
  });
});

test("many pictures are not all decoded at once, and one that cannot be read stops nothing", async () => {
  let decoding = 0;
  let most = 0;
  const host: Host = {
    ...nodeHost,
    decode: async (bytes, options) => {
      most = Math.max(most, ++decoding);
      try {
        return await nodeHost.decode(bytes, options);
      } finally {
        decoding--;
      }
    },
  };
  const classifier = await loadAdaptiveClassifier(host, model, { device: "cpu", threads: 1 });
  try {
    const pictures = Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? PASTORAL : BOATS));
    const answers = await classifier.classify(pictures, { batchSize: 4 });
    expect(most).toBeLessThan(10);
    const labelsOf = answers.map(({ predictions: [first] }) => first!.label);
    expect(labelsOf).toEqual(pictures.map((_, i) => labelsOf[i % 2]));
    const mixed: string[] = [];
    for await (const { answer, error } of classifier.classifyAll([PASTORAL, "nowhere.jpg", BOATS]))
      mixed.push(answer?.predictions[0]?.label ?? error!.code);
    expect(mixed).toEqual([labelsOf[0], "not_found", labelsOf[1]]);
    await expect(classifier.classify([PASTORAL, "nowhere.jpg"])).rejects.toThrow(/nowhere/);
    expect(() => classifier.classifyAll([PASTORAL], { topK: 0 })).toThrow(/topK/);
  } finally {
    await classifier.dispose();
  }
});
