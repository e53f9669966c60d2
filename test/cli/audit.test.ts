// saccade audit from the command line: what it says, what it writes, and that the data stays as it was.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodePng } from "../../src/platform/node/decode.ts";
import { RandomSource } from "../../src/random.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder, writeMini } from "./mini-model.ts";

const folder = temporaryFolder();
const model = writeMini(folder, "sparseformer_v1_mini_64x64");
const data = join(folder, "data");
const COLOURS = { red: [220, 30, 30], green: [30, 200, 30] } as const;

test("a picture under two labels and one that cannot be read are found, and the data is not touched", async () => {
  for (const [label, colour] of Object.entries(COLOURS)) {
    mkdirSync(join(data, label), { recursive: true });
    for (let i = 0; i < 4; i++) {
      const random = new RandomSource(i, label);
      const pixels = Uint8Array.from({ length: 3 * 32 * 32 }, (_, at) => colour[at % 3]! + random.integer(30));
      writeFileSync(join(data, label, `${i}.png`), await encodePng({ width: 32, height: 32, data: pixels }));
    }
  }
  copyFileSync(join(data, "red", "0.png"), join(data, "green", "copy.png"));
  writeFileSync(join(data, "green", "broken.png"), "no picture");
  const before = readdirSync(data, { recursive: true }).sort();
  const out = join(folder, "report");
  const run = await cli([
    "audit",
    data,
    "--out",
    out,
    "--json",
    "--model",
    model,
    "--layer",
    "tokens",
    "--no-cache",
    "--threads",
    "1",
  ]);
  expect(run.exitCode, run.notes.join("\n")).toBe(0);
  const found = JSON.parse(run.stdout);
  expect(found).toMatchObject({ pictures: 9, classes: ["green", "red"], space: { layer: "tokens" } });
  expect(found.unreadable).toHaveLength(1);
  const [conflict] = found.duplicates.filter((group: { conflict: boolean }) => group.conflict);
  expect(conflict.pictures.map(({ path }: { path: string }) => path.split(/[/\\]/).slice(-2).join("/")).sort()).toEqual(
    ["green/copy.png", "red/0.png"],
  );
  expect(readdirSync(out).sort()).toEqual(["audit.json", "report.html", "suggestions.csv"]);
  expect(JSON.parse(readFileSync(join(out, "audit.json"), "utf8"))).toEqual(found);
  expect(readdirSync(data, { recursive: true }).sort()).toEqual(before);
  const wrong = await cli(["audit", data, "--next", "3"]);
  expect(wrong.exitCode).toBe(2);
  expect(wrong.notes.join("\n")).toContain("--next needs --unlabelled");
});
