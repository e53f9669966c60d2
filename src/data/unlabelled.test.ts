import { expect, test } from "vitest";
import { FormatError, NotFoundError, SaccadeError, UsageError } from "../errors.ts";
import { memoryFiles, picture } from "./memory-files.test-helper.ts";
import { openUnlabelled } from "./unlabelled.ts";

const FILES = memoryFiles({
  "pool/a.jpg": picture(1),
  "pool/more/b.jpg": picture(2),
  "pool/notes.txt": "x",
  "pool.csv": "file,source,label\npool/a.jpg,here,\npool/more/b.jpg,there,cat\n,nowhere,\n",
  "pool.jsonl": '{"path":"pool/a.jpg"}\n',
  "none.csv": "source\nhere\n",
  "empty/notes.txt": "x",
});

const namesOf = async (path: string) => {
  const pictures = await openUnlabelled(FILES, path);
  return Array.from({ length: pictures.length }, (_, i) => pictures.name(i));
};

test("pictures of a folder and the folders in it, or of a list, whatever it says of their labels", async () => {
  expect(await namesOf("pool")).toEqual(["pool/a.jpg", "pool/more/b.jpg"]);
  expect(await namesOf("pool.csv")).toEqual(["pool/a.jpg", "pool/more/b.jpg"]);
  expect(await namesOf("pool.jsonl")).toEqual(["pool/a.jpg"]);
  const { problems, labels, targets } = await openUnlabelled(FILES, "pool.csv");
  expect(problems).toEqual([{ name: "pool.csv:4", reason: "it has no path" }]);
  expect([labels, [...targets]]).toEqual([["unlabelled"], [0, 0]]);
});

test.each([
  ["nothing", "nowhere", NotFoundError],
  ["a file that is no list", "pool/a.jpg", UsageError],
  ["a list without paths", "none.csv", FormatError],
  ["a folder without pictures", "empty", SaccadeError],
])("%s is said in words", async (_, path, error) => {
  await expect(openUnlabelled(FILES, path)).rejects.toThrow(error);
});
