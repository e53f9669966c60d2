import { describe, expect, test } from "vitest";
import { extensionOf, isHidden, isPictureName, LeftOut, picturesAndFolders } from "./picture-files.ts";

const file = (path: string) => ({ path, isDirectory: false });
const folder = (path: string) => ({ path, isDirectory: true });

describe("what a picture file is, by its name", () => {
  test.each([
    ..."jpg jpeg jpe jfif png webp gif avif tif tiff bmp heic heif".split(" ").map((kind) => `a/b.${kind}`),
    "IMG_0001.JPG",
    "c:\\photos\\a.HEIC",
    "a.b.c.jpg",
  ])("%s is one", (path) => expect(isPictureName(path)).toBe(true));

  test.each(["a.txt", "jpg", ".jpg", "a/._b.jpg", "a/.hidden.png", "b.jpg.part", "a.svg", "a.jxl", "Thumbs.db"])(
    "%s is none",
    (path) => expect(isPictureName(path)).toBe(false),
  );

  test("only its own name hides a file, not the folders that it was asked for in", () => {
    expect(isPictureName("/home/me/.data/a.jpg")).toBe(true);
    expect([".thumbs", "x/__MACOSX", "x/@eaDir", "thumbs.db"].map((path) => isHidden({ path }))).toEqual(
      Array(4).fill(true),
    );
    expect(extensionOf("a.tar.GZ")).toBe("gz");
  });

  test("pictures and folders keep their order, the others are counted by kind", () => {
    const leftOut = new LeftOut();
    const entries = [
      file("d/._a.jpg"),
      folder("d/.thumbs"),
      file("d/a.jpg"),
      folder("d/b"),
      file("d/c.txt"),
      file("d/d.txt"),
      file("d/e.TXT"),
      file("d/README"),
      file("d/Thumbs.db"),
      file("d/z.bmp"),
    ];
    expect(picturesAndFolders(entries, leftOut).map(({ path }) => path)).toEqual(["d/a.jpg", "d/b", "d/z.bmp"]);
    expect(leftOut.describe()).toBe("3 .txt, 2 hidden files, 1 file without an extension, 1 hidden folder");
    const both = new LeftOut();
    expect(both.describe()).toBe("");
    both.include(leftOut);
    both.include(leftOut);
    expect(both.describe()).toBe("6 .txt, 4 hidden files, 2 files without an extension, 2 hidden folders");
  });

  test("many kinds are summed up", () => {
    const leftOut = new LeftOut();
    for (const name of ["a.a", "a.b", "a.c", "a.d", "a.e", "a.f", "a.g", "a.h"]) leftOut.add(file(name));
    expect(leftOut.describe()).toBe("1 .a, 1 .b, 1 .c, 1 .d, 1 .e, 1 .f, 2 of other kinds");
    const strange = new LeftOut();
    strange.add(file("a.\u001b[31mx"));
    expect(strange.describe()).toBe("1 file of another kind");
  });
});
