import { describe, expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { imagenetWnids } from "../models/imagenet-wnids.ts";
import { labelsOf } from "../models/labels.ts";
import { matchLabels } from "./label-match.ts";

const MODEL = ["cat", "guinea pig", "dog", "emu"];
const IMAGENET = labelsOf("imagenet-1k");

/** Labels of which each has a picture. */
const match = (labels: readonly string[], model: readonly string[]) =>
  matchLabels({ labels, targets: Int32Array.from(labels.keys()) }, model);
/** What the model calls each of them; undefined where it does not know it. */
const found = (labels: readonly string[], model: readonly string[]) => {
  const { classes, classOf } = match(labels, model);
  return [...classOf].map((place) => (classes[place]!.modelIndex === -1 ? undefined : classes[place]!.label));
};

describe("labels by name", () => {
  test("labels that nobody knows are a usage error that lists them; unused ones do not matter", () => {
    const labels = ["yak", "gnu", "cat"];
    expect(() => match(["yak", "gnu"], MODEL)).toThrow(UsageError);
    expect(() => match(["yak", "gnu"], MODEL)).toThrow(/yak, gnu/);
    expect(matchLabels({ labels, targets: Int32Array.of(2) }, MODEL).unknown).toEqual([]);
  });

  test("another spelling is noticed; Unicode's forms are the same", () => {
    expect(found(["Cat", "guinea-pig", "dog"], MODEL)).toEqual(["cat", "guinea pig", "dog"]);
    expect(match(["Cat", "guinea-pig", "dog"], MODEL).notes).toEqual(['labels: "Cat" is taken for "cat"']);
    const composed = ["caf\u00e9", "vache"];
    expect(found(["cafe\u0301"], composed)).toEqual(["caf\u00e9"]);
    expect(match(["cafe\u0301"], composed).notes).toEqual([]);
  });

  test("two labels never become one: the exact one is it, and where none is, that is an error", () => {
    expect(found(["cat", "CAT"], MODEL)).toEqual(["cat", undefined]);
    expect(match(["cat", "CAT"], MODEL).unknown).toEqual(["CAT"]);
    expect(found(["A", "A-", "30", "-30"], ["30", "A", "B"])).toEqual(["A", undefined, "30", undefined]);
    expect(() => match(["guinea-pig", "guinea_pig", "cat"], MODEL)).toThrow(
      /the data's labels "guinea-pig" and "guinea_pig" are all like the model's 1 "guinea pig"/,
    );
    expect(() => match(["CAT"], ["cat", "Cat"])).toThrow(/2 labels that are "CAT": 0 "cat", 1 "Cat"/);
    expect(found(["Cat"], ["cat", "Cat"])).toEqual(["Cat"]);
  });

  test("a class of several names is known by each of them", () => {
    const model = ["sunglass", "sunglasses, dark glasses, shades", "crane, bird", "crane, machine"];
    expect(found(["sunglasses", "sunglass"], model)).toEqual([model[1], model[0]]);
    expect(found(["Shades"], model)).toEqual([model[1]]);
    expect(found(["sunglasses, dark glasses, shades"], ["hat", "sunglasses"])).toEqual(["sunglasses"]);
    expect(found(["maillot", "maillot, tank suit"], IMAGENET)).toEqual(["maillot", "maillot (tank suit)"]);
    expect(() => match(["crane"], model)).toThrow(/2 labels that are "crane"/);
  });
});

describe("ImageNet's folders", () => {
  test("wnids and numbers are the classes of a model with its labels", () => {
    const wnids = imagenetWnids();
    expect(wnids).toHaveLength(1000);
    expect([wnids[0], wnids[837], wnids[999]]).toEqual(["n01440764", "n04356056", "n15075141"]);
    expect([...wnids].sort()).toEqual(wnids);
    expect(found(["n01440764", "n04356056"], IMAGENET)).toEqual(["tench", "sunglasses"]);
    expect(match(["n01440764"], IMAGENET).notes).toEqual(['labels are ImageNet\'s folders: "n01440764" is "tench"']);
    expect(found(["0", "0837", "999"], IMAGENET)).toEqual(["tench", "sunglasses", "toilet tissue"]);
    expect(found(["n01440764", "n00000001"], IMAGENET)).toEqual(["tench", undefined]);
    expect(found(["1"], ["background", ...IMAGENET])).toEqual(["goldfish"]);
  });

  test("other spellings of the labels are ImageNet's all the same, other labels are not", () => {
    const longer = IMAGENET.map((label, i) => (i % 3 === 0 ? `${label}, something else` : label));
    expect(found(["n01440764"], longer)).toEqual(["tench, something else"]);
    expect(() => match(["n01440764"], [...IMAGENET].reverse())).toThrow(/knows none/);
    expect(() => match(["0", "1"], MODEL)).toThrow(/knows none/);
    expect(found(["0", "1"], ["1", "0"])).toEqual(["0", "1"]);
  });
});
