import { expect, test } from "vitest";
import { createPicture } from "../image/draw.ts";
import { sniff } from "../image/sniff.ts";
import { nodeHost } from "../platform/node/host.ts";
import { encodeSheet } from "./sheet-file.ts";

const sheet = {
  headline: ["Größe 犬 83 %"],
  note: undefined,
  panels: [{ title: "where it looked", picture: createPicture(40, 30, [90, 9, 9]), detail: "heat scale" as const }],
  columns: undefined,
};

test.each(["svg", "html"] as const)("%s keeps labels as text", async (format) => {
  const text = new TextDecoder().decode(await encodeSheet(sheet, format, nodeHost));
  expect(text).toContain("Größe 犬 83 %");
  expect(text).toMatch(format === "svg" ? /^<svg/ : /^<!DOCTYPE html>/);
});

test("png, and where there is no typeface, in our own", async () => {
  const bytes = await encodeSheet(sheet, "png", nodeHost);
  const withoutTypeface = await encodeSheet(sheet, "png", { ...nodeHost, layTextOver: async () => undefined });
  for (const png of [bytes, withoutTypeface]) expect(sniff(png)).toMatchObject({ picture: "png" });
  const [drawn, own] = await Promise.all([nodeHost.decode(bytes), nodeHost.decode(withoutTypeface)]);
  expect([drawn.width, drawn.height]).toEqual([own.width, own.height]);
  expect(own.data.some((value, i) => value > 150 && i < own.width * 3 * 30)).toBe(true); // the headline
});
