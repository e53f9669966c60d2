// What a page has as labelled pictures, read by what reads every other data set.
import { expect, test } from "vitest";
import { openDataset } from "../../data/open.ts";
import { UsageError } from "../../errors.ts";
import { openDataSource, type TrainingPicture, type WebDataSource } from "./data-source.ts";
import { MemoryFiles } from "./files-memory.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

async function opened(source: WebDataSource) {
  const { files, path } = await openDataSource(new MemoryFiles(), source);
  return { files, path, data: await openDataset(files, path, { validationFraction: 0 }) };
}

test("pictures in memory keep any label and their splits, and are read when they are wanted", async () => {
  const read: string[] = [];
  const pictures: TrainingPicture[] = [
    { picture: bytes(1), label: "tea / mug", name: "a/b.jpg" },
    { picture: new Blob([bytes(2)]), label: '"x",\ny', split: "train" },
    {
      picture: async () => {
        read.push("third");
        return new Blob([bytes(3)]);
      },
      label: "tea / mug",
      split: "validation",
    },
  ];
  const { files, data } = await opened(pictures);
  expect(data.labels).toEqual(['"x",\ny', "tea / mug"]);
  expect([data.train?.length, data.validation?.length, read]).toEqual([2, 1, []]);
  const first = await data.train!.item(0);
  expect(first.name).toContain("a b.jpg");
  const contents = async (item: Awaited<ReturnType<NonNullable<typeof data.train>["item"]>>) =>
    item.picture.kind === "file" ? [...(await files.read(item.picture.path))] : item.picture.kind;
  expect(await contents(first)).toEqual([1]);
  expect(await contents(await data.train!.item(1))).toEqual([2]);
  expect(await contents(await data.validation!.item(0))).toEqual([3]);
  expect(read).toEqual(["third"]);
});

test("a folder's files are the folder, and a single list is a list", async () => {
  const file = (path: string, text: string) =>
    Object.defineProperty(new File([text], path.split("/").at(-1)!), "webkitRelativePath", { value: path });
  const folder = ["ant", "bee"].flatMap((name) => [1, 2].map((i) => file(`things/${name}/${i}.png`, `${name}${i}`)));
  const { data, path } = await opened(folder);
  expect([data.layout, data.labels, data.train?.length]).toEqual(["image folders", ["ant", "bee"], 4]);
  expect(path).toBe("(chosen)/things");
  const lists = await opened([new File(["path,label\na.png,ant\nb.png,bee\n"], "list.csv")]);
  expect([lists.data.layout, lists.data.labels]).toEqual(["a list", ["ant", "bee"]]);
});

test("what is no data is refused in words", async () => {
  const wrong: [unknown, string][] = [
    [[], "there are no pictures"],
    [[{ picture: bytes(1), label: "" }], 'has "" as its label'],
    [[{ picture: 5, label: "ant" }], "which is no picture"],
    [[bytes(1)], "labelled pictures have a picture and a label"],
  ];
  for (const [source, message] of wrong) {
    const failure = openDataSource(new MemoryFiles(), source as WebDataSource);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(UsageError);
  }
});
