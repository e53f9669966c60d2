// CIFAR-10 and CIFAR-100 in their "binary version" (https://www.cs.toronto.edu/~kriz/cifar.html): records of one or two label bytes and
// 3072 bytes of pixels, a plane of 32 x 32 for red, one for green, one for blue.

import { baseName } from "../image/picture-files.ts";
import type { RawImage } from "../image/raw-image.ts";
import { decodeText } from "../text-file.ts";
import type { DataProblem } from "./dataset.ts";
import type { DataFileEntry, DataFiles } from "./files.ts";
import { readLabelLines } from "./labels.ts";
import { joinReadable, type Parts, type Sample, type SamplePart } from "./samples.ts";

const SIDE = 32;
const PLANE = SIDE * SIDE;
const MAX_BYTES = 2 ** 30;

interface Kind {
  readonly title: string;
  readonly labelBytes: number;
  readonly classes: number;
  readonly train: RegExp;
  readonly test: RegExp;
  /** The file with the names of the label that is used. */
  readonly names: string;
}

const KINDS: readonly Kind[] = [
  {
    title: "CIFAR-10",
    labelBytes: 1,
    classes: 10,
    train: /^data_batch_\d+\.bin$/,
    test: /^test_batch\.bin$/,
    names: "batches.meta.txt",
  },
  {
    title: "CIFAR-100",
    // the coarse label, which is not used, then the fine one
    labelBytes: 2,
    classes: 100,
    train: /^train\.bin$/,
    test: /^test\.bin$/,
    names: "fine_label_names.txt",
  },
];

/** Reads CIFAR from a folder's entries; undefined when they are something else. */
export async function readCifar(
  files: DataFiles,
  entries: readonly DataFileEntry[],
): Promise<{ parts: Parts; title: string } | undefined> {
  for (const kind of KINDS) {
    const matching = (pattern: RegExp) =>
      entries.filter((entry) => !entry.isDirectory && pattern.test(baseName(entry.path)));
    const train = matching(kind.train);
    const test = matching(kind.test);
    if (train.length + test.length === 0) continue;
    const names = await readNames(files, entries, kind);
    const read = (part: readonly DataFileEntry[]) =>
      joinReadable(part, async (path) =>
        parseCifar(await files.read(path, { maxBytes: MAX_BYTES }), path, kind, names),
      );
    return {
      title: kind.title,
      parts: {
        ...(train.length === 0 ? {} : { train: await read(train) }),
        ...(test.length === 0 ? {} : { test: await read(test) }),
      },
    };
  }
  return undefined;
}

async function readNames(files: DataFiles, entries: readonly DataFileEntry[], kind: Kind): Promise<readonly string[]> {
  const numbers = Array.from({ length: kind.classes }, (_, i) => String(i));
  const entry = entries.find(({ path }) => baseName(path) === kind.names);
  if (entry === undefined) return numbers;
  const lines = readLabelLines(decodeText(await files.read(entry.path, { maxBytes: 2 ** 20 }), entry.path));
  const names = lines.filter((line) => line !== "").map((line) => line.replaceAll("_", " "));
  return names.length === kind.classes && new Set(names).size === names.length ? names : numbers;
}

/** The records of one file. What is left over at its end, and records whose label is too large, are problems. */
export function parseCifar(
  bytes: Uint8Array,
  path: string,
  kind: Pick<Kind, "labelBytes" | "classes"> = KINDS[0]!,
  names: readonly string[] = Array.from({ length: kind.classes }, (_, i) => String(i)),
): SamplePart {
  const recordBytes = kind.labelBytes + 3 * PLANE;
  const problems: DataProblem[] = [];
  const samples: Sample[] = [];
  for (let record = 0; (record + 1) * recordBytes <= bytes.length; record++) {
    const start = record * recordBytes + kind.labelBytes;
    const label = bytes[start - 1]!;
    const name = `${path}#${record}`;
    if (label < kind.classes)
      samples.push({
        name,
        label: names[label]!,
        picture: () => ({ kind: "pixels", image: interleave(bytes, start) }),
      });
    else problems.push({ name, reason: `its label is ${label}, and there are ${kind.classes} classes` });
  }
  const rest = bytes.length % recordBytes;
  if (rest > 0)
    problems.push({
      name: path,
      reason: `it is cut off: ${rest} bytes at its end are no whole record of ${recordBytes}`,
    });
  return { samples, problems, labels: names };
}

function interleave(bytes: Uint8Array, start: number): RawImage {
  const data = new Uint8Array(3 * PLANE);
  for (let i = 0, at = 0; i < PLANE; i++, at += 3) {
    data[at] = bytes[start + i]!;
    data[at + 1] = bytes[start + PLANE + i]!;
    data[at + 2] = bytes[start + 2 * PLANE + i]!;
  }
  return { width: SIDE, height: SIDE, data };
}
