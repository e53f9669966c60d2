// A model that does not say what a picture shows is refused by whoever asks it that, with the command that asks it.
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { denseToy } from "../../../test/dense-toys.ts";
import { ANSWERS } from "../../models/answers.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { loadClassifier } from "../classify/classifier.ts";
import { wrongTask } from "./wrong-task.ts";

test.each([
  ["detections", "says where things are, not what a picture shows", "saccade detect asks it (Detector.load)"],
  ["semantic", "says of every pixel what it is, not of the picture", "saccade segment asks it (Segmenter.load)"],
  [
    "queries",
    "says which pixels are of which thing, not what a picture shows",
    "saccade segment asks it (Segmenter.load)",
  ],
] as const)("a classifier of a model of %s", async (answers, what, instead) => {
  const refused = loadClassifier(nodeHost, denseToy(answers), { device: "cpu", threads: 1, sessions: 1 });
  await expect(refused).rejects.toMatchObject({
    code: "usage", // the command ends with 2
    message: expect.stringContaining(what),
    hint: expect.stringContaining(instead),
  });
});

test("the commands that are named are there", () => {
  const commands = readdirSync(new URL("../../cli/commands", import.meta.url)).map((name) => name.replace(/\.ts$/, ""));
  for (const answers of ANSWERS)
    for (const [, command] of (wrongTask("a model", answers).hint ?? "").matchAll(/saccade (\w+)/g))
      expect(commands).toContain(command);
});
