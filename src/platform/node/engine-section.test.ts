import { expect, test } from "vitest";
import { engineSection, guardSection, inTurn } from "./engine-section.ts";

test("a turn ends with its work, with its failure, and with its worker", async () => {
  const [section, other] = [engineSection(), engineSection()];
  const holder = () => Atomics.load(section.turn, 0);
  const [gone, otherGone] = [guardSection(section), guardSection(other)];
  expect(await inTurn(section, async () => holder())).toBe(section.number);
  expect(holder()).toBe(0);
  await expect(inTurn(other, () => Promise.reject(new Error("lost")))).rejects.toThrow("lost");
  expect(holder()).toBe(0);

  void inTurn(section, () => new Promise(() => {})); // a worker that dies in native code never comes back
  expect(holder()).toBe(section.number);
  otherGone();
  expect(holder()).toBe(section.number);
  gone();
  expect(await inTurn(other, async () => holder())).toBe(other.number);
});
