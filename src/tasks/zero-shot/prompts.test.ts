import { describe, expect, test } from "vitest";
import { UsageError } from "../../errors.ts";
import { DEFAULT_TEMPLATES, promptOf, requireLabels, requireTemplates } from "./prompts.ts";

test.each([
  ["a photo of {}.", "sheep", "a photo of sheep."],
  ["a photo of {a}.", "sheep", "a photo of a sheep."],
  ["a photo of {a}.", "apple", "a photo of an apple."],
  ["a photo of {a}.", "a sheep", "a photo of a sheep."],
  ["a photo of {a}.", "the Eiffel tower", "a photo of the Eiffel tower."],
  ["a photo of a {}.", "a sheep", "a photo of a sheep."],
  ["the {} at night", "an owl", "the owl at night"],
  ["{} and {a}", " boat ", "boat and a boat"],
  ["{}", "a {odd} label", "a {odd} label"],
  ["{}", "$& $1", "$& $1"],
])("%s with %s: %s", (template, label, prompt) => expect(promptOf(template, label)).toBe(prompt));

test("the default templates are sound, and all different", () => {
  requireTemplates(DEFAULT_TEMPLATES);
  expect(new Set(DEFAULT_TEMPLATES.map((template) => promptOf(template, "sheep"))).size).toBe(DEFAULT_TEMPLATES.length);
});

describe("refused", () => {
  test.each<[string, () => void, RegExp]>([
    ["a template without a place", () => requireTemplates(["a photo"]), /no place for the label/],
    ["an unknown form", () => requireTemplates(["{}", "many {plural}"]), /unknown form: \{plural\}/],
    ["no template", () => requireTemplates([]), /no template/],
    ["no label", () => requireLabels([]), /no labels/],
    ["one label", () => requireLabels(["sheep"]), /always right/],
    ["an empty label", () => requireLabels(["sheep", " ", "boat"]), /label 2 of 3 is empty/],
    ["a label of nothing but a space in HTML", () => requireLabels(["sheep", "&nbsp;"]), /label 2 of 2 is empty/],
    ["a label twice", () => requireLabels(["sheep", "boat", " Sheep"]), /labels 1 and 3 are the same: "sheep"/],
  ])("%s", (_, check, message) => {
    expect(check).toThrow(UsageError);
    expect(check).toThrow(message);
  });
});
