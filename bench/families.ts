// Every family for the same time on the same pictures (docs/which-model.md): a small member of each learns from scratch, for as much time of one processor core as the others.
//
//   npx tsx bench/families.ts clothing DATA/clothing [--families vit,swin] [--seconds 60] [--seeds 1] [--out FILE]
//   npx tsx bench/families.ts everyday DATA/everyday
//   npx tsx bench/families.ts clothing DATA/clothing --families vit,dhvt --epochs 6 --seeds 1,2,3 --out FILE      as many pictures instead of as much time
//
// DATA has a folder for each split. Rows that the file has already are not made again, and none is begun after --minutes. Then:
//
//   npx tsx bench/families.ts times          how long one picture takes, all members in turn
//   npx tsx bench/families.ts page           the tables and the plot of docs/which-model.md from the files
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openDataset } from "../src/data/open.ts";
import { nodeTrainingHost } from "../src/platform/node/training-host.ts";
import { decoded } from "./families/decoded.ts";
import { learn } from "./families/learn.ts";
import { MEMBERS, memberNamed } from "./families/members.ts";
import { makePlots, PAGE, readMeasured, updatePage } from "./families/page.ts";
import { addRow, type Budget, readResults } from "./families/results.ts";
import { measureTimes } from "./families/times.ts";

/** Pixels a side that pictures are seen at; `classes` is for the times, which need no pictures. */
const SETS: Readonly<Record<string, { readonly size: number; readonly classes: number }>> = {
  clothing: { size: 128, classes: 10 },
  everyday: { size: 64, classes: 49 },
};

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    families: { type: "string", default: MEMBERS.map(({ name }) => name).join() },
    seeds: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    epochs: { type: "string" },
    minutes: { type: "string", default: "Infinity" },
    out: { type: "string" },
  },
});

const [command = "", data] = positionals;
const RESULTS = resolve(import.meta.dirname, "results/families");

async function learnSet(set: string, size: number, path: string): Promise<void> {
  const out = flags.out ?? join(RESULTS, `${set}.json`);
  const budget: Budget =
    flags.epochs === undefined ? { processorSeconds: Number(flags.seconds) } : { epochs: Number(flags.epochs) };
  const opened = await openDataset(nodeTrainingHost.dataFiles, path);
  const splits = (["validation", "test"] as const).filter((split) => opened[split] !== undefined);
  const measured = await Promise.all(splits.map((split) => decoded(opened[split]!)));
  const train = await decoded(opened.train!);
  const about = {
    data: basename(path),
    splits,
    classes: opened.labels.length,
    size,
    budget,
    trainingPictures: train.length,
  };
  for (const seed of flags.seeds.split(",").map(Number))
    for (const name of flags.families.split(",")) {
      if (performance.now() > 60_000 * Number(flags.minutes)) return;
      if (readResults(out)?.rows.some((row) => row.family === name && row.seed === seed)) continue;
      const row = await learn(memberNamed(name), { size, train, measured }, seed, budget);
      addRow(out, about, row);
      const share = ((100 * row.right) / row.pictures).toFixed(1);
      console.log(
        `${name} ${seed}: ${share} % of ${row.pictures}, ${row.steps} steps, ${row.epochs} epochs, ${row.processorSeconds} s, ${(row.parameters / 1e6).toFixed(2)} M, ${(row.macs / 1e6).toFixed(0)} MMACs`,
      );
    }
}

function writePage(): void {
  const measured = readMeasured();
  writeFileSync(PAGE, updatePage(readFileSync(PAGE, "utf8"), measured));
  for (const [path, svg] of makePlots(measured)) writeFileSync(resolve(import.meta.dirname, "..", path), svg);
}

const set = SETS[command];
if (command === "page") writePage();
else if (command === "times")
  for (const { size, classes } of Object.values(SETS))
    await measureTimes(size, classes, join(RESULTS, `times-${size}.json`));
else if (set !== undefined && data !== undefined) await learnSet(command, set.size, data);
else throw new Error(`npx tsx bench/families.ts ${Object.keys(SETS).join("|")} DATA, or times, or page`);
