import { gzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { FormatError, NotFoundError, UsageError } from "../errors.ts";
import { createDataset, type Dataset, splitDataset, subset } from "./dataset.ts";
import { loadPicture } from "./files.ts";
import { type Contents, decodePicture, memoryFiles, picture, tarOf } from "./memory-files.test-helper.ts";
import { type OpenedData, openDataset } from "./open.ts";
import { SPLITS } from "./samples.ts";

const names = async (dataset: Dataset): Promise<string[]> =>
  Promise.all(Array.from({ length: dataset.length }, async (_, i) => (await dataset.item(i)).name));

/** `perClass` pictures in each folder. */
function folders(root: string, classes: readonly string[], perClass: number): Contents {
  return Object.fromEntries(
    classes.flatMap((name, c) =>
      Array.from({ length: perClass }, (_, i) => [
        `${root}/${name}/${String(i).padStart(3, "0")}.jpg`,
        picture(c * 10 + i),
      ]),
    ),
  );
}

describe("image folders", () => {
  test("splits by folder, labels by folder name, the same numbers in all splits", async () => {
    const files = memoryFiles({
      ...folders("d/train", ["guinea-pig", "cat"], 3),
      ...folders("d/validation", ["cat"], 2),
      ...folders("d/test", ["guinea_pig"], 1),
      "d/val-boxes.json": "{}",
      "d/.DS_Store": "x",
      "d/train/cat/notes.txt": "x",
      "d/train/cat/new.jxl": "x",
      "d/train/cat/._001.jpg": "x",
      "d/train/cat/empty.jpg": "",
      "d/train/cat/more/deep.PNG": picture(99),
    });
    const opened = await openDataset(files, "d");
    expect(opened.labels).toEqual(["cat", "guinea-pig"]);
    expect([...opened.train!.targets]).toEqual([0, 0, 0, 0, 1, 1, 1]);
    expect([...opened.validation!.targets]).toEqual([0, 0]);
    expect([...opened.test!.targets]).toEqual([1]);
    expect(opened.train!.describe()).toBe("7 pictures of 2 classes from image folders");
    expect(opened.train!.problems).toEqual([{ name: "d/train/cat/empty.jpg", reason: "the file is empty: 0 bytes" }]);
    expect(opened.notes).toEqual(["not pictures: 1 .jxl, 1 .txt, 1 hidden file"]);
    expect(opened.summary.at(-1)).toContain("left out: 1 (d/train/cat/empty.jpg");
    const item = await opened.train!.item(6);
    expect(item).toMatchObject({ name: "d/train/guinea-pig/002.jpg", label: 1 });
    expect((await loadPicture(item.picture, files, decodePicture)).data[0]).toBe(2);
  });

  test("folders whose names are alike are classes of their own, and said to be", async () => {
    const alike = ["-30", "30", "A", "A-", "cat-1", "cat_1", "t-shirt"];
    const files = memoryFiles({ ...folders("d/train", alike, 2), ...folders("d/val", ["T shirt", "a-"], 1) });
    const { labels, train, validation, notes } = await openDataset(files, "d");
    expect(labels).toEqual(alike);
    expect([...train!.targets]).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
    expect([...validation!.targets]).toEqual([6, 3]);
    expect(notes).toEqual([
      'validation: "T shirt" is taken for "t-shirt", "a-" is taken for "A-"',
      'classes of their own, though spelled alike: "cat-1" and "cat_1"',
    ]);
  });

  test("folders of macOS, with accents apart, are the classes of those with accents in place", async () => {
    const files = memoryFiles({
      ...folders("d/train", ["caf\u00e9", "th\u00e9"], 2),
      ...folders("d/val", ["cafe\u0301"], 1),
    });
    const { labels, notes } = await openDataset(files, "d");
    expect(labels).toEqual(["caf\u00e9", "th\u00e9"]);
    expect(notes).toEqual([]);
    const both = await openDataset(memoryFiles(folders("d", ["caf\u00e9", "cafe\u0301"], 2)), "d");
    expect(both.labels).toEqual(["cafe\u0301", "caf\u00e9"]);
  });

  test("a class may be called like a split: the vehicle beside others is no training split", async () => {
    const { labels, train, validation } = await openDataset(
      memoryFiles(folders("d", ["tractor", "train", "van"], 10)),
      "d",
    );
    expect(labels).toEqual(["tractor", "train", "van"]);
    expect([train!.length, validation!.length]).toEqual([27, 3]);
  });

  test("one folder of classes is split by seed, every class alike", async () => {
    const files = memoryFiles(folders("d", ["a", "b", "c"], 20));
    const once = await openDataset(files, "d", { validationFraction: 0.2, seed: 1 });
    expect([once.train!.length, once.validation!.length]).toEqual([48, 12]);
    expect([...once.validation!.targets]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    const again = await openDataset(files, "d", { validationFraction: 0.2, seed: 1 });
    expect(await names(again.validation!)).toEqual(await names(once.validation!));
    const other = await openDataset(files, "d", { validationFraction: 0.2, seed: 2 });
    expect(await names(other.validation!)).not.toEqual(await names(once.validation!));
    const all = new Set([...(await names(once.train!)), ...(await names(once.validation!))]);
    expect(all.size).toBe(60);
    expect((await openDataset(files, "d", { validationFraction: 0 })).validation).toBeUndefined();
    // a new class moves nothing of the others
    const more = await openDataset(
      memoryFiles({ ...folders("d", ["a", "b", "c"], 20), ...folders("d", ["aa"], 5) }),
      "d",
      {
        validationFraction: 0.2,
        seed: 1,
      },
    );
    expect((await names(more.validation!)).filter((name) => !name.includes("/aa/"))).toEqual(
      await names(once.validation!),
    );
  });

  test("what is not understood says what was seen", async () => {
    const open = (contents: Contents, path = "d") => openDataset(memoryFiles(contents), path);
    await expect(open({ "d/readme.md": "x", "d/model.onnx": "x" })).rejects.toThrow(
      "d has no layout that is understood: it has model.onnx, readme.md",
    );
    await expect(open({ "d/a.jpg": "x", "d/notes.txt": "x" })).rejects.toMatchObject({
      message: expect.stringContaining("the pictures in d have no labels"),
      hint: expect.stringContaining("a folder per class"),
    });
    await expect(open({}, "nowhere")).rejects.toThrow(NotFoundError);
    await expect(open({ "d/train/cat/a.txt": "x" })).rejects.toThrow("no picture that can be used");
    await expect(open({ "d/x.zip": "x" }, "d/x.zip")).rejects.toThrow(FormatError);
    await expect(open({ "d/data_batch_1": "x", "d/test_batch": "x" })).rejects.toMatchObject({
      hint: expect.stringContaining("Python version of CIFAR"),
    });
    await expect(open({ ...folders("d/val", ["a"], 1), ...folders("d/validation", ["a"], 1) })).rejects.toThrow(
      "two folders for validation",
    );
    await expect(openDataset(memoryFiles(folders("d", ["a"], 2)), "d", { validationFraction: 1 })).rejects.toThrow(
      UsageError,
    );
  });
});

describe("splits", () => {
  const sizes = (opened: OpenedData) => SPLITS.map((split) => opened[split]?.length);

  test("a test split never stands in for validation: a tenth of train does", async () => {
    const files = memoryFiles({ ...folders("d/train", ["a", "b"], 20), ...folders("d/test", ["a", "b"], 5) });
    const opened = await openDataset(files, "d");
    expect(sizes(opened)).toEqual([36, 4, 10]);
    expect(opened.notes).toEqual(["validation was split off train: 0.1 of every class, seed 0"]);
    expect(sizes(await openDataset(files, "d", { validationFraction: 0 }))).toEqual([40, undefined, 10]);
  });

  test("test pictures without labels are not used, and it is said", async () => {
    const files = memoryFiles({
      ...folders("d/train", ["a", "b"], 20),
      "d/test/1.jpg": picture(1),
      "d/test/readme.txt": "x",
    });
    const opened = await openDataset(files, "d");
    expect(sizes(opened)).toEqual([36, 4, undefined]);
    expect(opened.notes[0]).toBe("test/ is not used: its pictures have no labels");
    await expect(openDataset(memoryFiles({ "d/train/1.jpg": "x", "d/test/2.jpg": "x" }), "d")).rejects.toThrow(
      "the pictures in test/, train/ have no labels",
    );
    const listed = memoryFiles({
      "d/train/1.jpg": picture(1),
      "d/train/2.jpg": picture(2),
      "d/test/3.jpg": picture(3),
      "d/train.csv": "path,label\ntrain/1.jpg,a\ntrain/2.jpg,b\n",
    });
    expect(sizes(await openDataset(listed, "d", { validationFraction: 0 }))).toEqual([2, undefined, undefined]);
  });

  test.each([
    ["seg_train/seg_train", "seg_test/seg_test", "test"],
    ["training_set", "test_set", "test"],
    ["Train Set", "val2017", "validation"],
    ["train", "valid", "validation"],
    ["train", "dev", "validation"],
    ["training", "testing", "test"],
    ["train", "validation_images", "validation"],
  ] as const)("%s and %s are splits", async (train, other, split) => {
    const files = memoryFiles({ ...folders(`d/${train}`, ["a", "b"], 10), ...folders(`d/${other}`, ["a", "b"], 4) });
    const opened = await openDataset(files, "d", { validationFraction: 0 });
    expect(opened.labels).toEqual(["a", "b"]);
    expect([opened.train!.length, opened[split]!.length]).toEqual([20, 8]);
    const unusual = [train, other].filter((name) => /set|seg|2017|_/i.test(name));
    for (const name of unusual) expect(opened.notes.join("\n")).toContain(`${name.split("/")[0]}/ is taken for `);
  });

  test("a test folder of another name without labels", async () => {
    const files = memoryFiles({ ...folders("d/seg_train", ["a", "b"], 10), "d/seg_test/1.jpg": picture(1) });
    const opened = await openDataset(files, "d");
    expect([opened.labels, sizes(opened)]).toEqual([
      ["a", "b"],
      [18, 2, undefined],
    ]);
    expect(opened.notes).toContain("seg_test/ is not used: its pictures have no labels");
  });

  test("folders of the same classes that do not say which split they are", async () => {
    const both = { ...folders("d/train_1", ["a", "b"], 4), ...folders("d/extra", ["a", "b"], 4) };
    await expect(openDataset(memoryFiles(both), "d")).rejects.toThrow(
      /extra\/ holds the same classes as .*, but does not say which split it is/,
    );
    const beside = { ...folders("d/train", ["a", "b"], 4), ...folders("d/extra", ["a", "b"], 4) };
    await expect(openDataset(memoryFiles(beside), "d")).rejects.toThrow("does not say which split it is");
    const twice = { ...folders("d/train", ["a", "b"], 4), ...folders("d/train_2", ["a", "b"], 4) };
    await expect(openDataset(memoryFiles(twice), "d")).rejects.toThrow("two folders for train: train, train_2");
    const folds = { ...folders("d/fold1", ["a", "b"], 4), ...folders("d/fold2", ["a", "b"], 4) };
    const opened = await openDataset(memoryFiles(folds), "d");
    expect(opened.labels).toEqual(["fold1", "fold2"]);
    expect(opened.notes[0]).toBe(
      "fold1/, fold2/ are taken for classes; if they are splits, call them train, val and test",
    );
    const other = { ...folders("d/train", ["a", "b"], 4), "d/masks/1.txt": "x" };
    expect((await openDataset(memoryFiles(other), "d")).notes[0]).toBe("not read, beside the splits: masks/");
  });

  test("a class without a picture is named", async () => {
    const files = memoryFiles({ ...folders("d/train", ["a", "b"], 4), "d/train/c/x.txt": "x", "d/train/c/y.jxl": "x" });
    const opened = await openDataset(files, "d");
    expect(opened.emptyClasses).toEqual(["d/train/c"]);
    expect(opened.train!.problems).toEqual([
      { name: "d/train/c", reason: "there is no picture in this folder (it has 1 .jxl, 1 .txt)" },
    ]);
  });
});

describe("other layouts", () => {
  test("lists, with names for numbers", async () => {
    const files = memoryFiles({
      "d/labels.csv": "path,label\nimages/a.jpg,1\nimages/b.jpg,0\n",
      "d/images/a.jpg": picture(1),
      "d/images/b.jpg": picture(2),
      "d/classes.txt": "cat\ndog\n",
    });
    for (const path of ["d", "d/labels.csv"]) {
      const { train, labels } = await openDataset(files, path, { validationFraction: 0 });
      expect(labels).toEqual(["cat", "dog"]);
      expect([...train!.targets]).toEqual([1, 0]);
      expect((await train!.item(0)).name).toBe("d/images/a.jpg");
    }
  });

  test("train and validation lists, and soft labels", async () => {
    const files = memoryFiles({
      "d/train.jsonl": '{"path":"a.jpg","label":{"dog":3,"cat":1}}\n{"path":"b.jpg","label":"ant"}',
      "d/val.jsonl": '{"path":"c.jpg","label":"cat"}',
    });
    const { train, validation, labels } = await openDataset(files, "d");
    expect(labels).toEqual(["ant", "cat", "dog"]);
    expect(await train!.item(0)).toMatchObject({ label: 2, softLabel: Float32Array.of(0, 0.25, 0.75) });
    expect((await train!.item(1)).softLabel).toBeUndefined();
    expect([...validation!.targets]).toEqual([1]);
  });

  test("a table about something else beside class folders does not matter", async () => {
    const { layout } = await openDataset(
      memoryFiles({ ...folders("d", ["a", "b"], 2), "d/stats.csv": "epoch,loss\n1,2" }),
      "d",
    );
    expect(layout).toBe("image folders");
  });

  test("CIFAR-10 and CIFAR-100, one folder down", async () => {
    const record = (labelBytes: number[]) => Uint8Array.from([...labelBytes, ...new Uint8Array(3072)]);
    const ten = await openDataset(
      memoryFiles({
        "d/cifar-10-batches-bin/data_batch_1.bin": record([2]),
        "d/cifar-10-batches-bin/data_batch_2.bin": record([0]),
        "d/cifar-10-batches-bin/test_batch.bin": record([9]),
        "d/cifar-10-batches-bin/batches.meta.txt":
          "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n",
      }),
      "d",
    );
    expect([ten.layout, ten.labels[2], ...ten.train!.targets, ...ten.test!.targets]).toEqual([
      "CIFAR-10",
      "bird",
      2,
      0,
      9,
    ]);
    expect(ten.validation).toBeUndefined();
    const hundred = await openDataset(
      memoryFiles({ "d/train.bin": record([4, 30]), "d/test.bin": record([1, 99]) }),
      "d",
    );
    expect([hundred.layout, ...hundred.train!.targets, ...hundred.test!.targets]).toEqual(["CIFAR-100", 30, 99]);
  });

  test("MNIST, gzipped", async () => {
    const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 10, 20);
    const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 3);
    const files = {
      "d/train-images-idx3-ubyte.gz": gzipSync(images),
      "d/train-labels-idx1-ubyte.gz": gzipSync(labels),
      "d/t10k-images.idx3-ubyte": images,
      "d/t10k-labels.idx1-ubyte": labels,
    };
    const { train, test: tests, labels: found } = await openDataset(memoryFiles(files), "d");
    expect(found).toEqual(["3", "7"]);
    expect([...train!.targets, ...tests!.targets]).toEqual([1, 0, 1, 0]);
    const { "d/train-labels-idx1-ubyte.gz": _, ...without } = files;
    await expect(openDataset(memoryFiles(without), "d")).rejects.toThrow("the file with their labels is missing");
  });

  test("tar shards, read by ranges or kept", async () => {
    const shard = (first: number) =>
      tarOf({ "1.jpg": picture(first), "1.cls": "0", "2.jpg": picture(first + 1), "2.cls": "1" });
    const files = memoryFiles({
      "d/train-0.tar": shard(10),
      "d/train-1.tar.gz": gzipSync(shard(20)),
      "d/val-0.tar": shard(30),
      "d/train-2.tar": "junk",
    });
    const { train, validation, layout } = await openDataset(files, "d");
    expect(layout).toBe("tar shards");
    expect([...train!.targets, ...validation!.targets]).toEqual([0, 1, 0, 1, 0, 1]);
    expect(train!.problems).toEqual([{ name: "d/train-2.tar", reason: expect.stringContaining("not a tar archive") }]);
    const kinds = await Promise.all([1, 3].map(async (i) => (await train!.item(i)).picture));
    expect(kinds.map(({ kind }) => kind)).toEqual(["range", "encoded"]);
    const reds = await Promise.all(
      kinds.map(async (source) => (await loadPicture(source, files, decodePicture)).data[0]),
    );
    expect(reds).toEqual([11, 21]);
  });
});

describe("data sets", () => {
  const dataset = createDataset({
    labels: ["Guinea-Pig", "cat", "yak"],
    targets: Int32Array.of(0, 1, 2, 1),
    name: (i) => `#${i}`,
    picture: (i) => ({ kind: "file", path: String(i) }),
    softLabel: (i) => (i === 3 ? Float32Array.of(0.5, 0.25, 0.25) : undefined),
    origin: "from a test",
  });

  test("parts", async () => {
    expect((await subset(dataset, [3, 0]).item(1)).name).toBe("#0");
    expect(() => subset(dataset, [4])).toThrow(UsageError);
    await expect(dataset.item(4)).rejects.toThrow(UsageError);
    // a class of one picture stays where training can see it
    const [first, second] = splitDataset(dataset, 0.5);
    expect([...first.targets, ...second.targets].sort()).toEqual([0, 1, 1, 2]);
    expect([...second.targets]).toEqual([1]);
    expect(() =>
      createDataset({
        ...dataset,
        targets: Int32Array.of(3),
        name: String,
        picture: () => ({ kind: "file", path: "" }),
        origin: "",
      }),
    ).toThrow(UsageError);
  });
});
