import fc from "fast-check";
import { gzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { FormatError, LimitError, SaccadeError } from "../errors.ts";
import { gunzip } from "../gunzip.ts";
import { parseCifar } from "./cifar.ts";
import { parseCsv } from "./csv.ts";
import { pairIdx, parseIdx } from "./idx.ts";
import { parseList } from "./list.ts";
import { picture, tarOf } from "./memory-files.test-helper.ts";
import type { Parts } from "./samples.ts";
import { parseTar } from "./tar.ts";
import { parseShard } from "./webdataset.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const list = (text: string, name = "list.csv"): Parts => parseList(encode(text), name, {}, (path) => `root/${path}`);

/** What a parser must do with anything: give data, or say why not. */
function survives(parse: (bytes: Uint8Array) => unknown, inputs: fc.Arbitrary<Uint8Array>): void {
  fc.assert(
    fc.property(inputs, (bytes) => {
      try {
        parse(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(SaccadeError);
      }
    }),
    { numRuns: 500 },
  );
}

const anyBytes = fc.uint8Array({ maxLength: 3000 });
/** A good file with some bytes changed and its end cut off. */
const damaged = (good: Uint8Array) =>
  fc
    .tuple(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 5 }), fc.nat(good.length))
    .map(([changes, length]) => {
      const bytes = good.slice();
      for (const [at, value] of changes) bytes[at] = value;
      return bytes.slice(0, length);
    });
const textOf = (...pieces: string[]) =>
  fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 })), { maxLength: 25 })
    .map((parts) => encode(parts.join("")));

describe("CSV", () => {
  test("quotes, separators inside them, line breaks, CRLF", () => {
    const rows = parseCsv('path,label\r\n"a, b.jpg","say ""cat"""\r\n\r\n"two\nlines",x\n', "t.csv");
    expect(rows).toEqual([
      { line: 1, fields: ["path", "label"] },
      { line: 2, fields: ["a, b.jpg", 'say "cat"'] },
      { line: 4, fields: ["two\nlines", "x"] },
    ]);
    expect(parseCsv("a\tb,c\n1\t2", "t.tsv").map((row) => row.fields)).toEqual([
      ["a", "b,c"],
      ["1", "2"],
    ]);
    expect(parseCsv("a;b\n1;2,5", "t.csv").map((row) => row.fields)).toEqual([
      ["a", "b"],
      ["1", "2,5"],
    ]);
    expect(() => parseCsv('a,b\n"1,2', "t.csv")).toThrow("t.csv:2 has a quote that is never closed");
  });

  test("whatever a spreadsheet quotes comes back", () => {
    const cell = fc.string({ maxLength: 8 }).filter((text) => !text.includes("\r"));
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 6 }), (table) => {
        const quoted = [
          "x,y",
          ...table.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(",")),
        ].join("\n");
        expect(
          parseCsv(quoted, "t.csv")
            .slice(1)
            .map((row) => row.fields),
        ).toEqual(table);
      }),
    );
  });

  test("random text", () => {
    survives(
      (bytes) => list(new TextDecoder().decode(bytes)),
      textOf('"', ",", "\n", "\r", "path,label\n", "a.jpg,cat", ";", "\t"),
    );
  });
});

describe("lists", () => {
  test("CSV: paths, labels, splits, bad rows by line", () => {
    const parts = list(
      "file_name,class,split\na.jpg,cat,train\nb.jpg,dog,val\nc.jpg,,train\nd.jpg\ne.jpg,cat,elsewhere\n",
    );
    expect(parts.train!.samples).toEqual([
      { name: "root/a.jpg", label: "cat", picture: { kind: "file", path: "root/a.jpg" } },
    ]);
    expect(parts.validation!.samples[0]!.label).toBe("dog");
    expect(parts.train!.problems).toEqual([
      { name: "list.csv:5", reason: "it has 1 fields instead of 3" },
      { name: "list.csv:4", reason: "it has no label" },
      { name: "list.csv:6", reason: 'its split "elsewhere" is not train, validation or test' },
    ]);
  });

  test("JSON lines: names, numbers, probabilities", () => {
    const parts = list(
      '{"path":"a.jpg","label":"cat"}\n{"file":"b.jpg","label":3}\n\n{"path":"c.jpg","label":{"cat":1,"dog":3}}\nnot json\n{"path":"d.jpg","label":{"cat":-1}}\n',
      "list.jsonl",
    );
    const [a, b, c] = parts.train!.samples;
    expect([a!.label, b!.label, c!.label]).toEqual(["cat", "3", "dog"]);
    expect([...c!.soft!]).toEqual([
      ["cat", 0.25],
      ["dog", 0.75],
    ]);
    expect(parts.train!.problems.map((problem) => problem.name)).toEqual(["list.jsonl:5", "list.jsonl:6"]);
  });

  test("values without a text of their own spoil their row alone", () => {
    const strange = '{"toString":1,"valueOf":1}';
    const parts = list(
      `{"path":"a.jpg","label":"cat"}\n{"path":"b.jpg","label":"cat","split":${strange}}\n{"path":${strange},"label":1,"split":${strange}}\n`,
      "list.jsonl",
    );
    expect(parts.train!.samples).toHaveLength(1);
    expect(parts.train!.problems).toEqual([
      { name: "list.jsonl:2", reason: 'its split "an object" is not train, validation or test' },
      { name: "list.jsonl:3", reason: "it has no path" },
    ]);
  });

  test("missing columns are named, with what was seen", () => {
    expect(() => list("picture_url,thing\nx,y")).toThrow("list.csv has the columns picture_url, thing, and no path");
    expect(() => list("")).toThrow("list.csv is empty");
    expect(() => list("path,label\n,\n")).toThrow("has no row that can be used (list.csv:2: it has no path)");
    const own = parseList(
      encode("where,what\na.jpg,cat"),
      "l.csv",
      { pathColumn: "where", labelColumn: "What" },
      (path) => path,
    );
    expect(own.train!.samples[0]).toMatchObject({ name: "a.jpg", label: "cat" });
  });

  test("random JSON", () => {
    survives(
      (bytes) => parseList(bytes, "x.jsonl", {}, (path) => path),
      fc.oneof(
        textOf('{"path":', '"a.jpg"', ',"label":', '"cat"', "3", "}", "\n", "{", "null"),
        fc
          .array(fc.record({ path: fc.jsonValue(), label: fc.jsonValue() }), { maxLength: 4 })
          .map((rows) => encode(rows.map((row) => JSON.stringify(row)).join("\n"))),
      ),
    );
  });
});

describe("CIFAR", () => {
  const record = (label: number, red: number) => {
    const bytes = new Uint8Array(3073);
    bytes[0] = label;
    bytes.fill(red, 1, 1025);
    bytes.fill(100, 1025, 2049);
    bytes[1] = 7;
    return bytes;
  };

  test("planes become pixels; bad labels and a cut end are problems", async () => {
    const bytes = Uint8Array.from([...record(3, 200), ...record(11, 0), ...record(9, 50), 1, 2]);
    const part = parseCifar(bytes, "data_batch_1.bin");
    expect(part.samples.map(({ label }) => label)).toEqual(["3", "9"]);
    expect(part.problems).toEqual([
      { name: "data_batch_1.bin#1", reason: "its label is 11, and there are 10 classes" },
      { name: "data_batch_1.bin", reason: "it is cut off: 2 bytes at its end are no whole record of 3073" },
    ]);
    const [first] = part.samples;
    const source = typeof first!.picture === "function" ? await first!.picture() : first!.picture;
    if (source.kind !== "pixels") throw new Error(source.kind);
    expect([...source.image.data.subarray(0, 6)]).toEqual([7, 100, 0, 200, 100, 0]);
    expect(source.image).toMatchObject({ width: 32, height: 32 });
  });

  test("random bytes", () => {
    survives(
      (bytes) => parseCifar(bytes, "x.bin"),
      fc.oneof(anyBytes, fc.uint8Array({ minLength: 3073, maxLength: 7000 })),
    );
  });
});

describe("IDX", () => {
  const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40);
  const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 0);

  test("grey becomes RGB; surplus is reported", async () => {
    const part = pairIdx(parseIdx(images, "i"), parseIdx(labels, "l"), "i", "l");
    expect(part.samples.map(({ label }) => label)).toEqual(["5", "0"]);
    const second = part.samples[1]!.picture;
    expect(typeof second === "function" && (await second())).toEqual({
      kind: "pixels",
      image: { width: 2, height: 1, data: Uint8Array.of(30, 30, 30, 40, 40, 40) },
    });
    const one = parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 5), "l");
    expect(pairIdx(parseIdx(images, "i"), one, "i", "l").problems[0]!.reason).toContain("1 labels for 2 pictures");
  });

  test("lies about sizes and other kinds are refused", () => {
    const liar = images.slice();
    liar[4] = 255;
    expect(() => parseIdx(liar, "i")).toThrow(/cut off: \[\d+, 1, 2\] needs/);
    expect(() => parseIdx(Uint8Array.of(0, 0, 13, 1, 0, 0, 0, 0), "f")).toThrow("values of type 13");
    expect(() => parseIdx(encode("hello"), "h")).toThrow("h is not an IDX file");
    expect(() => pairIdx(parseIdx(labels, "l"), parseIdx(labels, "l"), "l", "l")).toThrow("are not pictures");
  });

  test("random bytes", () => {
    survives(
      (bytes) => {
        const array = parseIdx(bytes, "x");
        pairIdx(array, parseIdx(labels, "l"), "x", "l");
      },
      fc.oneof(anyBytes, damaged(images)),
    );
  });
});

describe("gzip", () => {
  test("in and out, and what is not gzip stays", () => {
    const text = encode("hello ".repeat(1000));
    expect(gunzip(gzipSync(text), "x")).toEqual(text);
    expect(gunzip(text, "x")).toBe(text);
  });

  test("bombs and cut ends are refused", () => {
    const bomb = gzipSync(new Uint8Array(10_000_000));
    expect(() => gunzip(bomb, "bomb.gz", 1_000_000)).toThrow(LimitError);
    expect(() => gunzip(gzipSync(encode("hello ".repeat(1000))).slice(0, 30), "x.gz")).toThrow(FormatError);
    survives((bytes) => gunzip(bytes, "x", 1_000_000), damaged(gzipSync(encode("hello ".repeat(200)))));
  });
});

describe("tar", () => {
  const members = {
    "a/0001.jpg": picture(1),
    "a/0001.cls": "3",
    "a/0002.png": picture(2),
    "a/0002.json": '{"label":"cat"}',
  };
  const archive = tarOf(members);

  test("members and where they are", () => {
    const { members: found, problems } = parseTar(archive, "x.tar");
    expect(found.map(({ name }) => name)).toEqual(Object.keys(members));
    expect([...archive.subarray(found[2]!.start, found[2]!.start + found[2]!.length)]).toEqual([...picture(2)]);
    expect(problems).toEqual([]);
  });

  test("long names of GNU tar and pax", () => {
    const long = `${"d".repeat(120)}/0001.jpg`;
    const pax = `${long.length + 10} path=${long}\n`;
    const rename = (bytes: Uint8Array, type: string) => {
      const header = bytes.subarray(0, 512);
      header[156] = type.charCodeAt(0);
      header.fill(32, 148, 156);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.set(encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
      return bytes.subarray(0, bytes.length - 1024);
    };
    for (const first of [rename(tarOf({ x: `${long}\0` }), "L"), rename(tarOf({ x: pax }), "x")]) {
      const whole = Uint8Array.from([...first, ...tarOf({ short: "hi" })]);
      expect(parseTar(whole, "x.tar").members.map(({ name, length }) => [name, length])).toEqual([[long, 2]]);
    }
  });

  test("an archive that is cut off gives what came before", () => {
    const { members: found, problems } = parseTar(archive.slice(0, 512 * 4 + 300), "x.tar");
    expect(found).toHaveLength(2);
    expect(problems[0]!.reason).toContain("cut off");
    expect(() => parseTar(encode("x".repeat(2000)), "x.tar")).toThrow("x.tar is not a tar archive");
    const broken = archive.slice();
    broken[1024 + 5] = 99;
    expect(parseTar(broken, "x.tar").problems[0]!.reason).toContain("damaged at byte 1024");
  });

  test("samples are members with one key", () => {
    const bytes = tarOf({
      ...members,
      "0003.jpg": picture(3),
      "0004.cls": "1",
      "0005.jpg": picture(5),
      "0005.json": "{",
    });
    const part = parseShard(bytes, "s.tar", ({ start, length }) => ({ kind: "range", path: "s.tar", start, length }));
    expect(part.samples.map(({ name, label }) => [name, label])).toEqual([
      ["s.tar/a/0001.jpg", "3"],
      ["s.tar/a/0002.png", "cat"],
    ]);
    expect(part.problems.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      "s.tar/0003.jpg: it has no .cls and no .json with a label",
      "s.tar/0004: it has no picture",
      "s.tar/0005.jpg: its .json is not JSON",
    ]);
    expect(() => parseShard(tarOf({ "readme.txt": "hi" }), "s.tar", () => ({ kind: "file", path: "" }))).toThrow(
      "1 files (readme.txt)",
    );
  });

  test("several pictures under one key are samples of their own where each has a label, and never lost", () => {
    const shard = (contents: Record<string, Uint8Array | string>) =>
      parseShard(tarOf(contents), "s.tar", ({ start, length }) => ({ kind: "range", path: "s.tar", start, length }));
    const dotted = shard({
      "img.v1.1.jpg": picture(1),
      "img.v1.1.cls": "3",
      "img.v1.2.jpg": picture(2),
      "img.v1.2.json": '{"label":"cat"}',
    });
    expect(dotted.samples.map(({ name, label }) => [name, label])).toEqual([
      ["s.tar/img.v1.1.jpg", "3"],
      ["s.tar/img.v1.2.jpg", "cat"],
    ]);
    expect(dotted.problems).toEqual([]);
    const views = shard({ "1.left.jpg": picture(1), "1.right.jpg": picture(2), "1.cls": "3" });
    expect(views.samples.map(({ name }) => name)).toEqual(["s.tar/1.left.jpg"]);
    expect(views.problems).toEqual([{ name: "s.tar/1.right.jpg", reason: "it is one more picture of the sample 1" }]);
    const twice = shard({ "1.jpg": picture(1), "1.png": picture(2), "1.cls": "3" });
    expect(twice.problems).toHaveLength(1);
    const odd = shard({ "1.jpg": picture(1), "1.cls": Uint8Array.of(0xe9), "2.jpg": picture(2), "2.cls": "1" });
    expect(odd.problems).toEqual([{ name: "s.tar/1.jpg", reason: "text: 1.cls:1 is not UTF-8 text" }]);
  });

  test("random bytes", () => {
    survives(
      (bytes) => parseShard(bytes, "x.tar", () => ({ kind: "file", path: "" })),
      fc.oneof(anyBytes, damaged(archive)),
    );
  });
});
