// Pascal VOC, YOLO, LabelMe and masks: whole data, and what is wrong with it by kind.
import { describe, expect, test } from "vitest";
import { memoryFiles, picture } from "../memory-files.test-helper.ts";
import { type OpenedData, openDataset } from "../open.ts";

type Contents = Record<string, Uint8Array | string>;

const open = (contents: Contents, path = "set") => openDataset(memoryFiles(contents), path, { validationFraction: 0 });

const kinds = ({ faults = [] }: OpenedData) => Object.fromEntries(faults.map(({ kind, count }) => [kind, count]));

const objects = (data: OpenedData, item = 0) =>
  data.train!.annotations!(item).objects.map(({ label, ...rest }) => ({ label: data.labels[label], ...rest }));

describe("Pascal VOC", () => {
  const xml = (inside: string) =>
    `<annotation><filename>other.jpg</filename><size><width>4</width><height>4</height><depth>3</depth></size>${inside}</annotation>`;
  const thing = (name: string, [xmin, ymin, xmax, ymax]: readonly (number | string)[], more = "") =>
    `<object><name>${name}</name>${more}<bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox><part><name>head</name><bndbox><xmin>9</xmin></bndbox></part></object>`;
  const set = (a: string): Contents => ({
    "set/Annotations/a.xml": a,
    "set/Annotations/b.xml": xml(thing("dog", [1, 1, 4, 4])),
    "set/JPEGImages/a.jpg": picture(1),
    "set/JPEGImages/b.jpg": picture(2),
  });

  test("pixels from 1 become boxes from 0; difficult ones are not learnt from; lists are splits", async () => {
    const data = await open({
      ...set(xml(thing("cat", [1, 2, 3, 4]) + thing("dog &amp; co", [2, 2, 2, 2], "<difficult>1</difficult>"))),
      "set/ImageSets/Main/train.txt": "a\n",
      "set/ImageSets/Main/val.txt": "b\n",
    });
    expect([data.layout, data.labels]).toEqual(["Pascal VOC annotations", ["cat", "dog", "dog & co"]]);
    expect([data.train?.length, data.validation?.length]).toEqual([1, 1]);
    expect(objects(data)).toEqual([
      { label: "cat", box: [0, 1, 3, 4] },
      { label: "dog & co", box: [1, 1, 2, 2], isIgnored: true },
    ]);
  });

  test("what is wrong", async () => {
    const broken = xml(
      thing("cat", [9, 9, 12, 12]) +
        thing("cat", [1, 1, 9, 4]) +
        thing("cat", [3, 1, 2, 4]) +
        thing("cat", ["x", 1, 2, 4]) +
        thing("", [1, 1, 2, 2]) +
        "<object><name>cat</name></object>",
    );
    const data = await open({
      ...set(broken),
      "set/Annotations/c.xml": xml(""),
      "set/Annotations/d.xml": "<other/>",
      "set/JPEGImages/d.jpg": picture(3),
    });
    expect(kinds(data)).toEqual({
      outside: 1,
      clipped: 1,
      empty: 1,
      not_numbers: 1,
      unknown_class: 1,
      no_place: 1,
      missing: 1,
      unreadable: 1,
    });
    expect(objects(data)).toEqual([{ label: "cat", box: [0, 0, 4, 4] }]);
  });

  test("document types and their entities are not looked at", async () => {
    const bomb = `<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]>${xml(thing("&y;", [1, 1, 2, 2]))}`;
    expect(objects(await open(set(bomb)))[0]!.label).toBe("&y;");
  });
});

describe("YOLO", () => {
  const set = (a: string, more: Contents = {}): Contents => ({
    "set/data.yaml": "path: ../set\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n  1: dog\n",
    "set/images/train/a.jpg": picture(1),
    "set/images/val/b.jpg": picture(2),
    "set/labels/train/a.txt": a,
    "set/labels/val/b.txt": "1 0.5 0.5 1 1\n",
    ...more,
  });
  const WHOLE = "1 0.5 0.25 0.5 0.5\n0 0 0 0.5 0 0.5 0.5\n";
  const FOUND = [
    { label: "dog", box: [0.25, 0, 0.75, 0.5] },
    { label: "cat", box: [0, 0, 0.5, 0.5], mask: { polygons: [[0, 0, 0.5, 0, 0.5, 0.5]] } },
  ];

  test("boxes and outlines as shares, by folder and by data.yaml", async () => {
    for (const path of ["set", "set/data.yaml"]) {
      const data = await open(set(WHOLE), path);
      expect([data.layout, data.labels]).toEqual(["YOLO annotations", ["cat", "dog"]]);
      expect([data.train?.length, data.validation?.length]).toEqual([1, 1]);
      expect(data.train!.annotations!(0).unit).toBe("shares");
      expect(objects(data)).toEqual(FOUND);
    }
  });

  test("the other way round: folders of splits with images and labels, names in classes.txt", async () => {
    const data = await open({
      "set/classes.txt": "cat\ndog\n",
      "set/train/images/a.jpg": picture(1),
      "set/train/labels/a.txt": WHOLE,
    });
    expect(objects(data)).toEqual(FOUND);
  });

  test("what is wrong", async () => {
    const text =
      "7 0.5 0.5 1 1\n0 1.5 1.5 0.2 0.2\n0 0.5 0.5 0 1\n0 0.5 x 1 1\n0 0 0 1 1 1 1 0\n0\n1 0.9 0.5 0.5 0.5\n";
    const data = await open(set(text, { "set/images/train/none.jpg": picture(3), "set/labels/train/lost.txt": "" }));
    expect(kinds(data)).toEqual({
      unknown_class: 1,
      outside: 1,
      empty: 3,
      not_numbers: 1,
      damaged_mask: 1,
      few_points: 1,
      clipped: 1,
      unannotated: 1,
      unknown_picture: 1,
    });
  });

  test("numbers without names, and names with holes, are refused", async () => {
    const { "set/data.yaml": _, ...nameless } = set(WHOLE);
    await expect(open(nameless)).rejects.toThrow(/nothing says what the numbers mean/);
    await expect(open(set(WHOLE, { "set/data.yaml": "names: {0: cat, 5: dog}" }))).rejects.toThrow(/have holes: 0, 5/);
    await expect(open(set(WHOLE, { "set/data.yaml": "names: [a\n" }))).rejects.toThrow(/YAML: data.yaml/);
    const bomb = `a: &a [x,x]\nb: &b [*a,*a]\nnames: [*b,*b]\n`;
    await expect(open(set(WHOLE, { "set/data.yaml": bomb }))).rejects.toThrow(/YAML: data.yaml/);
  });
});

describe("LabelMe", () => {
  const file = (...shapes: object[]) =>
    JSON.stringify({ version: "5", imagePath: "..\\elsewhere\\a.jpg", imageWidth: 4, imageHeight: 4, shapes });
  const polygon = [
    [0, 0],
    [3, 0],
    [3, 4],
  ];

  test("polygons, rectangles and circles; the picture is the one beside it", async () => {
    const data = await open({
      "set/a.jpg": picture(1),
      "set/a.json": file(
        { label: "cat", points: polygon, shape_type: "polygon" },
        { label: "dog", points: [[4, 3], [1, 1]], shape_type: "rectangle" }, // biome-ignore format: two corners
        { label: "dog", points: [[2, 2], [3, 2]], shape_type: "circle" }, // biome-ignore format: middle and edge
      ),
    });
    expect([data.layout, data.labels]).toEqual(["LabelMe annotations", ["cat", "dog"]]);
    const [cat, box, circle] = objects(data);
    expect(cat).toEqual({ label: "cat", box: [0, 0, 3, 4], mask: { polygons: [[0, 0, 3, 0, 3, 4]] } });
    expect(box).toEqual({ label: "dog", box: [1, 1, 4, 3] });
    circle!.box.forEach((side, i) => {
      expect(side).toBeCloseTo([1, 1, 3, 3][i]!);
    });
  });

  test("what is wrong", async () => {
    const data = await open({
      "set/train/a.jpg": picture(1),
      "set/train/a.json": file(
        { label: "cat", points: [[0, 0], [1, 1]], shape_type: "polygon" }, // biome-ignore format: two corners
        { label: "cat", points: [[0, 0]], shape_type: "point" },
        { label: "", points: polygon },
        { label: "cat", points: [[0, 0], ["a", 1]], shape_type: "rectangle" }, // biome-ignore format: two corners
        { label: "cat", points: [[0, 0], [{ toString: 1 }, 1]], shape_type: "circle" }, // biome-ignore format: two corners
        { label: "cat", points: polygon, shape_type: "__proto__" },
        { label: "cat", points: polygon },
      ),
      "set/train/b.json": "{",
      "set/train/c.json": file(),
    });
    expect(kinds(data)).toEqual({
      few_points: 1,
      empty: 2,
      damaged_mask: 1,
      no_area: 2,
      unknown_class: 1,
      not_numbers: 1,
      unreadable: 1,
      missing: 1,
    });
  });
});

describe("masks", () => {
  test("pairs by name, with and without splits; what is alone is named", async () => {
    const names = { "set/classes.txt": "ground\nthing\n" };
    const whole = await open({
      ...names,
      "set/images/train/a.jpg": picture(1),
      "set/masks/train/a.png": picture(0),
      "set/images/val/b.jpg": picture(1),
      "set/masks/val/b.png": picture(0),
    });
    expect([whole.train?.length, whole.validation?.length]).toEqual([1, 1]);
    expect(whole.train!.annotations!(0).semantic).toMatchObject({ name: "set/masks/train/a.png", classes: 2 });
    const alone = await open({
      ...names,
      "set/images/a.jpg": picture(1),
      "set/images/lost.jpg": picture(1),
      "set/masks/a.png": picture(0),
      "set/masks/b.png": picture(0),
    });
    expect(kinds(alone)).toEqual({ no_mask: 1, unknown_picture: 1 });
    await expect(open({ "set/images/a.jpg": picture(1), "set/masks/a.png": picture(0) })).rejects.toThrow(
      /nothing says what their values mean/,
    );
  });
});
