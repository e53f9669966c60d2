import { expect, test } from "vitest";
import { readFacePoints } from "./face-points.ts";
import { memoryFiles } from "./memory-files.test-helper.ts";
import { readPairs } from "./pairs.ts";

const filesOf = memoryFiles;

test("a CSV: paths beside it, what is the same in several words, parts", async () => {
  const files = filesOf({
    "lists/p.csv":
      "first,second,same,fold\na.png,b.png,1,x\na.png,/c.png,different,y\nb.png,,1,x\na.png,b.png,maybe,x\n",
  });
  const { pairs, problems } = await readPairs(files, "lists/p.csv");
  expect(pairs).toEqual([
    { first: "lists/a.png", second: "lists/b.png", isSame: true, fold: "x" },
    { first: "lists/a.png", second: "/c.png", isSame: false, fold: "y" },
  ]);
  expect(problems.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
    "p.csv:4 it has no second picture",
    'p.csv:5 its "same" is "maybe", and neither 1 nor 0',
  ]);
});

test("JSON lines, and columns of other names", async () => {
  const files = filesOf({
    "p.jsonl":
      '{"first":"a","second":"b","same":true}\n{"first":"a","second":"c","same":0}\nno\n{"first":"a","second":"c","same":{"toString":1}}\n',
    "q.csv": "image1;image2;label\na;b;yes\nb;c;no\n",
  });
  const { pairs, problems } = await readPairs(files, "p.jsonl");
  expect(pairs.map(({ isSame }) => isSame)).toEqual([true, false]);
  expect(problems).toEqual([
    { name: "p.jsonl:3", reason: "it is not a JSON object" },
    { name: "p.jsonl:4", reason: 'its "same" is {"toString":1}, and neither 1 nor 0' },
  ]);
  expect((await readPairs(files, "q.csv")).pairs).toHaveLength(2);
});

test("LFW's pairs.txt: names and numbers are files, parts follow from the counts", async () => {
  const rows = ["Ann\t1\t2", "Bo_Li\t1\tAnn\t12", "Bo_Li\t3\t4", "Ann\t2\tCy\t1", "broken"];
  const files = filesOf({ "lfw/pairs.txt": `2\t1\n${rows.join("\n")}\n`, "lfw/Ann/Ann_0001.png": "" });
  const { pairs, problems, notes } = await readPairs(files, "lfw/pairs.txt");
  expect(pairs.map(({ first, second, isSame, fold }) => [first, second, isSame, fold])).toEqual([
    ["lfw/Ann/Ann_0001.png", "lfw/Ann/Ann_0002.png", true, "0"],
    ["lfw/Bo_Li/Bo_Li_0001.png", "lfw/Ann/Ann_0012.png", false, "0"],
    ["lfw/Bo_Li/Bo_Li_0003.png", "lfw/Bo_Li/Bo_Li_0004.png", true, "1"],
    ["lfw/Ann/Ann_0002.png", "lfw/Cy/Cy_0001.png", false, "1"],
  ]);
  expect(problems).toEqual([{ name: "pairs.txt:6", reason: "it is no pair of names and numbers" }]);
  expect(notes).toEqual([
    "pairs.txt says 2 parts of 1 pairs of each kind, 4 in all, and 5 follow: parts are counted by what it says",
  ]);
  const fitting = filesOf({ "pairs.txt": "1\nAnn\t1\t2\nBo\t1\tAnn\t2\n", "Ann/Ann_0001.jpg": "" });
  expect((await readPairs(fitting, "pairs.txt")).notes).toEqual([]);
});

test("what is no list of pairs is refused, saying what is wanted", async () => {
  const files = filesOf({
    "p.csv": "path,label\na,b\n",
    "none.csv": "first,second,same\n,b,1\n",
    "text.txt": "hello\n",
    "empty.csv": "",
    "p.png": "",
  });
  await expect(readPairs(files, "p.csv")).rejects.toThrow("p.csv has the columns path, label, and no first");
  await expect(readPairs(files, "none.csv")).rejects.toThrow("no pair that can be used (none.csv:2: it has no first");
  await expect(readPairs(files, "text.txt")).rejects.toThrow('begins with "hello"');
  await expect(readPairs(files, "empty.csv")).rejects.toThrow("is empty");
  await expect(readPairs(files, "p.png")).rejects.toThrow("p.png is no list");
  await expect(readPairs(files, "gone.csv")).rejects.toThrow("gone.csv");
});

test("where faces are: ten columns or points", async () => {
  const header = "path,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5";
  const files = filesOf({
    "f/l.csv": `${header}\na.png,1,2,3,4,5,6,7,8,9,10\nb.png,1,2,3,4,5,6,7,8,9,here\n`,
    "l.jsonl": '{"path":"a","points":[[1,2],[3,4],[5,6],[7,8],[9,10]]}\n{"path":"b","points":[[1,2]]}\n',
    "bad.csv": `${header}\na.png,1,2,3,4,5,6,7,8,9,\n`,
  });
  const csv = await readFacePoints(files, "f/l.csv");
  expect(csv.points.get("f/a.png")?.[4]).toEqual([9, 10]);
  expect(csv.problems).toEqual([{ name: "l.csv:3", reason: "NaN is no place on a picture" }]);
  const json = await readFacePoints(files, "l.jsonl");
  expect(json.points.get("a")?.[0]).toEqual([1, 2]);
  expect(json.problems[0]?.reason).toBe("a face has five points, got 1");
  await expect(readFacePoints(files, "bad.csv")).rejects.toThrow("no face that can be used");
});
