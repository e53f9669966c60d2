// The library in Chromium: loading, classifying, keeping.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Classifier } from "../../src/node.ts";
import { PASTORAL } from "../cli/mini-model.ts";
import { noChromium } from "./chromium.ts";
import type { LibraryApi } from "./pages/library-page.ts";
import { openSite, type Site } from "./site.ts";

describe.skipIf(noChromium)("the bundled model in a page", () => {
  let site: Site<LibraryApi>;
  beforeAll(async () => {
    site = await openSite({ page: "library-page" });
    site.server.put("/pastoral.jpg", readFileSync(PASTORAL));
  });
  afterAll(() => site?.close());

  test("answers as in Node, under a strict policy, and asks nobody else for anything", async () => {
    const { api, requests, console: lines } = await site.open();
    const answer = await api.classify("saccade/everyday", "/pastoral.jpg");
    await using classifier = await Classifier.load("saccade/everyday", { device: "wasm", threads: 1 });
    const { predictions, gaze } = await classifier.classify(PASTORAL, { explain: true, decode: "exact" });
    expect(answer.predictions.map(({ label }) => label)).toEqual(predictions.map(({ label }) => label));
    for (const [i, { score }] of predictions.entries()) expect(answer.predictions[i]!.score).toBeCloseTo(score, 4);
    expect(answer).toMatchObject({ steps: gaze!.stages.length, labels: classifier.labels!.length });
    expect(answer.progress).toEqual({ received: 5206948, total: 5206948 });
    expect(requests.filter((url) => !url.startsWith(site.server.origin))).toEqual([]);
    expect(lines).toEqual([]);
  });
});
