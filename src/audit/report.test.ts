import { expect, test } from "vitest";
import { assertWellFormed } from "../evaluate/report/well-formed.test-helper.ts";
import { adviceFor } from "./advice.ts";
import { auditToJson, suggestionsToCsv } from "./audit-json.ts";
import { measureBalance } from "./balance.ts";
import type { DrawingHost } from "./pictures-drawn.ts";
import { renderAuditReport } from "./report.ts";
import type { AuditResult } from "./result.ts";

const NASTY = `<img src=x onerror="alert(1)">, "q" & 'a'`;

function result(): AuditResult {
  const pictures = Array.from({ length: 6 }, (_, i) => ({
    name: i === 0 ? `data/${NASTY}.jpg` : `data/${i}.jpg`,
    split: i < 4 ? ("train" as const) : ("validation" as const),
    label: i % 2,
    hash: String(i),
    item: i,
    facts: { width: 8, height: 8, isGrey: false, range: 9, thumbnail: new Uint8Array(1024) },
  }));
  const classNames = [NASTY, "b"];
  const image = { width: 2, height: 2, data: new Uint8Array(12).fill(70) };
  const dataset = { item: async () => ({ name: "", label: 0, picture: { kind: "pixels" as const, image } }) };
  return {
    data: NASTY,
    layout: "image folders",
    classNames,
    splits: { train: dataset, validation: dataset } as unknown as AuditResult["splits"],
    set: {
      pictures,
      features: { rows: 6, width: 2, data: Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1) },
      unreadable: [{ name: NASTY, split: "train", reason: NASTY }],
    },
    labels: {
      estimated: 1,
      doubts: [{ picture: 0, suggested: 1, confidence: 0.9, givenConfidence: 0.1 }],
      agreement: 0.8,
      checked: [0, 1],
      unchecked: [],
      classifier: {
        head: { kind: "linear", classes: 2, width: 2, weight: new Float64Array(4), bias: new Float64Array(2) },
        scale: 1,
      },
    },
    duplicates: [{ pictures: [0, 1, 4], kind: "near", isConflict: true, isLeak: true }],
    outliers: [{ picture: 2, from: "class", deviation: 4.2 }],
    oddities: [{ picture: 0, kind: "tiny", reason: "8 x 8 pixels" }],
    balance: measureBalance(classNames, pictures),
    model: { name: NASTY } as AuditResult["model"],
    space: { id: "0", layer: "features", width: 2 } as AuditResult["space"],
    next: undefined,
    notes: [NASTY],
    problems: [],
    seed: 0,
  };
}

const host = {
  encodeJpeg: async () => Uint8Array.of(255, 216),
  decode: async () => {
    throw new Error("pixels are there already");
  },
} as unknown as DrawingHost;

test("the page is well-formed, whatever names and labels are, loads nothing, and has the map", async () => {
  const page = await renderAuditReport(host, result(), { footer: NASTY });
  assertWellFormed(page);
  expect(page).not.toContain("<img src=x");
  expect(page).not.toMatch(/(src|href)="(?!data:)/);
  expect(page.match(/<circle[^>]* data-i=/g)).toHaveLength(6);
  expect(page.match(/class="suspect"/g)).toHaveLength(1);
});

test("advice in the order of its weight; suggestions quoted as tables want it; JSON without what is not there", () => {
  const found = result();
  expect(adviceFor(found).map(({ kind }) => kind)).toEqual([
    "unreadable",
    "conflicts",
    "leaks",
    "labels",
    "classes",
    "odd",
    "outliers",
  ]);
  const quoted = (text: string) => `"${text.replace(/"/g, '""')}"`;
  expect(suggestionsToCsv(found)).toBe(
    `path,split,label,suggested,confidence,given_confidence\r\n${quoted(`data/${NASTY}.jpg`)},train,${quoted(NASTY)},b,0.9,0.1\r\n`,
  );
  const json = JSON.parse(JSON.stringify(auditToJson(found)));
  expect(json).toMatchObject({
    label_errors: { estimated: 1, suggestions: [{ suggested: "b", confidence: 0.9 }] },
    next: null,
  });
  expect(auditToJson({ ...found, labels: undefined }).label_errors).toBeNull();
});
