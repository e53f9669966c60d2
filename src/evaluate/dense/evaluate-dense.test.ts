// Toys of known answers on annotated pictures of known contents: numbers that can be said beforehand, what is left out, and what the report shows.
import { afterAll, describe, expect, test } from "vitest";
import { type Colour, colouredPicture, denseToy } from "../../../test/dense-toys.ts";
import type { AnnotatedObject, PictureAnnotations } from "../../data/annotations.ts";
import { createDataset, type Dataset } from "../../data/dataset.ts";
import { UsageError } from "../../errors.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { nodeTrainingHost } from "../../platform/node/training-host.ts";
import { loadDetector } from "../../tasks/detect/detector.ts";
import { loadSegmenter } from "../../tasks/segment/segmenter.ts";
import { assertWellFormed } from "../report/well-formed.test-helper.ts";
import { drawWorst } from "./draw-worst.ts";
import { evaluateDetector } from "./evaluate-detector.ts";
import { evaluateSegmenter } from "./evaluate-segmenter.ts";
import { renderDenseReport } from "./report.ts";

const LOAD = { device: "cpu", threads: 1 } as const;
const ACCESS = { files: nodeTrainingHost.dataFiles, decode: nodeHost.decode };
const [detector, segmenter, masks] = await Promise.all([
  loadDetector(nodeHost, denseToy("detections"), LOAD),
  loadSegmenter(nodeHost, denseToy("semantic"), LOAD),
  loadSegmenter(nodeHost, denseToy("queries", { things: () => [0, 1] }), LOAD),
]);
afterAll(() => Promise.all([detector.dispose(), segmenter.dispose(), masks.dispose()]));

type Patch = readonly [Colour, number, number, number, number];
const LABELS = ["background", "blue", "red", "purple"];

/** A thing with its outline. */
function thing(
  label: string,
  [x0, y0, x1, y1]: readonly number[],
  more: Partial<AnnotatedObject> = {},
): AnnotatedObject {
  const polygon = [x0!, y0!, x1!, y0!, x1!, y1!, x0!, y1!];
  return { label: LABELS.indexOf(label), box: [x0!, y0!, x1!, y1!], mask: { polygons: [polygon] }, ...more };
}

function dataOf(
  pictures: readonly { readonly patches: readonly Patch[]; readonly objects: readonly AnnotatedObject[] }[],
  more: Partial<PictureAnnotations> = {},
): Dataset {
  return createDataset({
    labels: LABELS,
    targets: Int32Array.from(pictures, () => 1),
    name: (i) => `pictures/${i}.png`,
    picture: (i) => ({ kind: "pixels", image: colouredPicture(96, 64, pictures[i]!.patches) }),
    annotations: (i) => ({ unit: "pixels", objects: pictures[i]!.objects, ...more }),
    origin: "from memory",
  });
}

describe("a detector", () => {
  const data = dataOf([
    // Both are found as they are.
    {
      patches: [
        ["red", 8, 8, 16, 16],
        ["blue", 40, 40, 48, 48],
      ],
      objects: [thing("red", [8, 8, 16, 16]), thing("blue", [40, 40, 48, 48])],
    },
    // What is annotated is not there, and the model knows no purple.
    { patches: [["red", 8, 8, 16, 16]], objects: [thing("red", [60, 40, 68, 48]), thing("purple", [0, 0, 8, 8])] },
    // In a crowd, whatever is found is neither right nor wrong.
    { patches: [["blue", 8, 8, 16, 16]], objects: [thing("blue", [0, 0, 32, 32], { isIgnored: true })] },
  ]);

  test("average precision, class by class, and what the model does not know", async () => {
    const { boxes, classes, pictures, unknownLabels, worst } = await evaluateDetector(detector, data, ACCESS);
    expect([pictures, unknownLabels]).toEqual([3, ["background", "purple"]]);
    const ap = (label: string) => boxes!.categories[classes.indexOf(label)]!;
    expect(ap("blue")).toMatchObject({ ap: expect.closeTo(1, 9), things: 1 });
    expect(ap("red")).toMatchObject({ things: 2, recall: 0.5 });
    expect(ap("purple")).toMatchObject({ ap: 0, things: 1 });
    expect(worst.map(({ index, note }) => [index, note])).toEqual([[1, "2 missed, 1 wrong"]]);
  });

  test("the report is well-formed, loads nothing, and shows the worst", async () => {
    const evaluation = await evaluateDetector(detector, data, ACCESS);
    const worst = await drawWorst(data, evaluation.worst, { ...ACCESS, host: nodeHost });
    const page = renderDenseReport({ evaluation, card: detector.card, data: "toys <&>", split: "test", worst });
    assertWellFormed(page);
    expect(page).toContain("2 missed, 1 wrong");
    expect(page).toContain("toys &lt;&amp;&gt;");
    expect(page).toMatch(/data:image\/jpeg;base64,/);
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
  });

  test("annotations of a picture of another size leave it out, in words; data without any is refused", async () => {
    const wrong = dataOf(
      [
        { patches: [], objects: [thing("red", [0, 0, 8, 8])] },
        { patches: [], objects: [] },
      ],
      {
        size: { width: 10, height: 10 },
      },
    );
    await expect(evaluateDetector(detector, wrong, ACCESS)).rejects.toThrow("none of the 2 pictures can be measured");
    const { annotations: _, ...plain } = data;
    await expect(evaluateDetector(detector, plain, ACCESS)).rejects.toThrow(UsageError);
  });
});

describe("a segmenter", () => {
  const patches: readonly Patch[] = [["red", 0, 0, 48, 64]];
  const half = dataOf([{ patches, objects: [thing("red", [0, 0, 48, 64])] }]);

  test("mIoU of maps made of outlines: what the model calls other than the data's labels is wrong there", async () => {
    const { semantic, classes, worst } = await evaluateSegmenter(segmenter, half, ACCESS);
    const of = (label: string) => semantic!.classes[classes.indexOf(label)]!;
    expect(of("red").iou).toBeGreaterThan(0.9);
    expect(of("background").iou).toBe(0); // the toy's "other" is another word
    expect(semantic!.pixelAccuracy).toBeCloseTo(0.5, 1);
    expect(worst[0]!.note).toMatch(/^(4[6-9]|5\d) % of the pixels wrong$/);
    expect(worst[0]!.truth!.map(({ name }) => name)).toEqual(["red"]);
  });

  test("a map of classes beside the picture", async () => {
    const classes = colouredPicture(96, 64, []);
    classes.data.fill(0);
    for (let y = 0; y < 64; y++)
      for (let x = 0; x < 48; x++) classes.data.fill(2, 3 * (y * 96 + x), 3 * (y * 96 + x) + 3);
    const picture = { kind: "encoded", bytes: (await nodeHost.encodePng(classes)).slice() } as const;
    const data = dataOf([{ patches, objects: [] }], { semantic: { picture, name: "mask.png", classes: 4 } });
    const { semantic, classes: names } = await evaluateSegmenter(segmenter, data, ACCESS);
    expect(semantic!.classes[names.indexOf("red")]!.iou).toBeGreaterThan(0.9);
  });

  test("instances by their masks, and panoptic quality", async () => {
    const data = dataOf([
      {
        patches: [
          ["red", 8, 8, 40, 40],
          ["blue", 56, 16, 88, 56],
        ],
        objects: [thing("red", [8, 8, 40, 40]), thing("blue", [56, 16, 88, 56])],
      },
    ]);
    const instance = await evaluateSegmenter(masks, data, { ...ACCESS, kind: "instance" });
    const red = (metrics: typeof instance.masks) => metrics!.categories[instance.classes.indexOf("red")]!;
    expect(red(instance.masks).ap50).toBeCloseTo(1, 9);
    expect(red(instance.boxes).ap50).toBeCloseTo(1, 9);
    const { panoptic, classes } = await evaluateSegmenter(masks, data, ACCESS);
    const quality = panoptic!.categories[classes.indexOf("red")]!;
    expect(quality).toMatchObject({ right: 1, wrong: 0, missed: 0 });
    expect(quality.pq).toBeGreaterThan(0.8);
  });

  test("data of boxes alone says nothing of pixels", async () => {
    const { mask: _, ...box } = thing("red", [0, 0, 48, 64]);
    const data = dataOf([{ patches, objects: [box] }]);
    await expect(evaluateSegmenter(segmenter, data, ACCESS)).rejects.toThrow("boxes and no outlines");
  });
});
