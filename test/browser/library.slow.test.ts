// The library in Chromium gives Node's answers: classifying, looking step by step, embedding, naming by text, learning.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { AdaptiveClassifier, Classifier, Embedder, Recogniser, ZeroShotClassifier } from "../../src/node.ts";
import { BOATS, PASTORAL, temporaryFolder, writeMini } from "../cli/mini-model.ts";
import { TOY_CONFIG, toyPath } from "../gfnet-toys.ts";
import { writeTextTower } from "../text-toys.ts";
import { noChromium } from "./chromium.ts";
import type { LibraryApi } from "./pages/library-page.ts";
import { openSite, type Site } from "./site.ts";

const WASM = { device: "wasm", threads: 1 } as const;
const EVERYDAY = "saccade/everyday";

interface Scored {
  readonly label?: string | undefined;
  readonly score: number;
}

function expectSame(found: readonly Scored[], expected: readonly Scored[]): void {
  expect(found.map(({ label }) => label)).toEqual(expected.map(({ label }) => label));
  for (const [i, { score }] of expected.entries()) expect(found[i]!.score).toBeCloseTo(score, 4);
}

describe.skipIf(noChromium)("the library in a page", () => {
  let site: Site<LibraryApi>;
  const folder = noChromium ? "" : temporaryFolder();
  beforeAll(async () => {
    site = await openSite({ page: "library-page" });
    site.server.put("/pastoral.jpg", readFileSync(PASTORAL));
    site.server.put("/boats.jpg", readFileSync(BOATS));
    site.server.put("/text.txt", "hello");
  });
  afterEach(() => site.closePages());
  afterAll(() => site?.close());

  /** Parts of two photographs, as pictures of two classes. */
  async function putCrops(names: readonly string[], file: string): Promise<Map<string, Buffer>> {
    const crops = new Map<string, Buffer>();
    for (const [i, name] of names.entries()) {
      const crop = await sharp(file)
        .resize(320, 240)
        .extract({ left: 16 * i, top: 8 * i, width: 200, height: 160 })
        .png()
        .toBuffer();
      site.server.put(name, crop);
      crops.set(name, crop);
    }
    return crops;
  }

  test("the bundled model answers as in Node, under a strict policy, and asks nobody else for anything", async () => {
    const { api, requests, console: lines } = await site.open();
    const answer = await api.classify(EVERYDAY, "/pastoral.jpg");
    await using classifier = await Classifier.load(EVERYDAY, WASM);
    const { predictions, gaze } = await classifier.classify(PASTORAL, { explain: true, decode: "exact" });
    expectSame(answer.predictions, predictions);
    expect(answer).toMatchObject({ steps: gaze!.stages.length, labels: classifier.labels!.length });
    // Files arrive side by side, in any order.
    const sizeOf = (name: string) => statSync(join("models/everyday", name)).size;
    const whole = (name: string) => ({ received: sizeOf(name), total: sizeOf(name) });
    expect(answer.progress).toEqual({
      "/models/everyday/config.json": whole("config.json"),
      "/models/everyday/model.safetensors": whole("model.safetensors"),
    });
    expect(await api.classifyAll(EVERYDAY, ["/pastoral.jpg", "/text.txt", "/nothing.jpg", "/boats.jpg"])).toEqual([
      predictions[0]!.label,
      "not_an_image",
      "network",
      (await classifier.classify(BOATS)).predictions[0]!.label,
    ]);
    expect(requests.filter((url) => !url.startsWith(site.server.origin))).toEqual([]);
    expect(lines.filter((line) => !line.includes("404"))).toEqual([]);
  });

  test("embeddings are those of Node, in the same space", async () => {
    const { api } = await site.open();
    const inPage = await api.embed(EVERYDAY, ["/pastoral.jpg", "/boats.jpg"]);
    await using embedder = await Embedder.load(EVERYDAY, WASM);
    const inNode = await embedder.embed([PASTORAL, BOATS], { decode: "exact" });
    expect(inPage.space).toBe(embedder.space.id);
    for (const [i, vector] of inNode.entries())
      for (const [k, value] of vector.entries()) expect(inPage.vectors[i]![k]).toBeCloseTo(value, 4);
  });

  test("a model that looks step by step stops where Node's does", async () => {
    const { api } = await site.open();
    const given = { architecture: "gfnet", config: TOY_CONFIG.recurrent };
    site.server.put("/toy.pth.tar", readFileSync(toyPath("recurrent")));
    await using classifier = await AdaptiveClassifier.load(toyPath("recurrent"), { ...WASM, ...given });
    for (const threshold of [0.05, 0.99]) {
      const inPage = await api.adaptive("/toy.pth.tar", "/pastoral.jpg", given, threshold);
      const inNode = await classifier.classify(PASTORAL, { threshold, decode: "exact" });
      expectSame(inPage.predictions, inNode.predictions);
      expect([inPage.stopped, inPage.steps.length]).toEqual([inNode.stopped, inNode.steps.length]);
    }
  });

  test("texts have Node's vectors, and name what is in a picture", async () => {
    const { api } = await site.open();
    const tower = writeTextTower(folder, 12);
    const pictures = writeMini(folder, "sparseformer_clip_mini_64x64");
    for (const name of ["config.json", "model.safetensors", "vocab.json", "merges.txt"])
      site.server.put(`/texts/${name}`, readFileSync(join(tower, name)));
    for (const name of ["config.json", "model.safetensors"])
      site.server.put(`/pictures/${name}`, readFileSync(join(pictures, name)));
    const texts = ["a sheep", "two boats on the sea"];
    const inPage = await api.texts("/texts/", texts);
    await using classifier = await ZeroShotClassifier.load(pictures, { ...WASM, textModel: tower, cache: false });
    for (const [i, vector] of (await classifier.texts.embed(texts)).entries())
      for (const [k, value] of vector.entries()) expect(inPage[i]![k]).toBeCloseTo(value, 4);
    const { predictions } = await classifier.classify(PASTORAL, texts, { decode: "exact" });
    expectSame(await api.zeroShot("/pictures/", "/texts/", "/pastoral.jpg", texts), predictions);
  });

  test("a recogniser learns, is there after a reload, learns on, forgets, and is a model like any other", async () => {
    const { api, page } = await site.open();
    const sheep = await putCrops(["/s1.png", "/s2.png", "/s3.png", "/s4.png"], PASTORAL);
    const boats = await putCrops(["/b1.png", "/b2.png", "/b3.png"], BOATS);
    const first = { sheep: [...sheep.keys()].slice(0, 3), boats: [...boats.keys()] };
    expect(await api.learn(EVERYDAY, first, "taught/mine")).toEqual(["boats", "sheep"]);
    await page.reload();
    const third = [...(await putCrops(["/g1.png", "/g2.png"], BOATS)).keys()];
    const learnt = await api.learnOn("taught/mine", { sheep: ["/s4.png"], grey: third }, "boats", "/s4.png");
    expect(learnt.before).toEqual(["boats", "sheep"]);
    expect(learnt.labels).toEqual(["grey", "sheep"]);
    expectSame(learnt.asClassifier, learnt.predictions);
    await using recogniser = await Recogniser.learn(
      EVERYDAY,
      [...sheep]
        .map(([name, picture]) => ({ name, picture, label: "sheep" }))
        .concat(third.map((name, i) => ({ name, picture: [...boats.values()][i]!, label: "grey" }))),
      { ...WASM, unknown: 0.05 },
    );
    expectSame(learnt.predictions, (await recogniser.classify(sheep.get("/s4.png")!)).predictions);
    const stored = (await api.stored("taught/mine")).map(({ name }) => name);
    expect(stored).toContain("config.json");
    expect(stored.some((name) => name.endsWith(".parquet"))).toBe(true);
  });

  test("where it looked is drawn as a picture, with letters of any script", async () => {
    const { api } = await site.open();
    const { png, plain, svg, differing } = await api.drawn(EVERYDAY, "/pastoral.jpg");
    expect(png).toEqual(plain);
    expect(svg).toBe("<svg ");
    expect(differing).toBeGreaterThan(0); // the browser's typeface, not the library's own letters
  });
});
