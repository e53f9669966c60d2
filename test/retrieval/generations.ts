// Writes an index again and again until it is killed. Every picture of a commit has the commit's number, and each commit has other pictures, so that
// whoever looks sees whether a commit is there whole.

import { IndexWriter } from "../../src/retrieval/index-writer.ts";
import { inThreadHost, spaceOf } from "./index-cases.ts";

export const PICTURES = 40;

export const SPACE = spaceOf(2);

/** Decoding in this thread: a process that is killed has one thread less to start. */
export const host = inThreadHost;

/** The pictures of a commit: a window that moves on. */
export const pathsOf = (generation: number): string[] =>
  Array.from({ length: PICTURES }, (_, i) => `${generation + i}.jpg`);

async function writeForEver(folder: string, first: number): Promise<never> {
  for (let generation = first; ; generation++) {
    await using writer = await IndexWriter.open(host, folder, { space: SPACE, levels: 1 });
    const paths = pathsOf(generation);
    for (const [i, path] of paths.entries()) {
      const hash = `${generation}`.padStart(64, "0");
      await writer.put({ path, size: generation, hash }, Float32Array.of(generation, 1));
      if (i % 15 === 14) await writer.save();
    }
    for (const path of [...writer.pictures.keys()]) if (!paths.includes(path)) writer.remove(path);
    await writer.commit();
    process.stdout.write(`${generation}\n`);
  }
}

const [folder, first] = process.argv.slice(2);
if (folder !== undefined && first !== undefined && import.meta.filename === process.argv[1])
  await writeForEver(folder, Number(first));
