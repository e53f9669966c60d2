// Every command line that people are shown can be given: the command, its options and their values are there.
import { expect, test } from "vitest";
import { createProgram } from "../../src/cli/program.ts";
import { registry } from "../../src/models/registry.ts";
import { recipes, stagedRecipes } from "../../src/recipes/index.ts";
import { fakeTerminal } from "../cli/fake-terminal.ts";
import { commands, helpExamples, pageExamples } from "./command-lines.ts";
import { PAGES, prose } from "./documents.ts";

/** Parses without running; what the parser complains about, else the options' values. */
async function parse(args: readonly string[]): Promise<{ problem?: string; options: Record<string, unknown> }> {
  const { terminal, said } = fakeTerminal();
  const program = await createProgram(terminal, () => undefined);
  let options = {};
  for (const command of program.commands)
    command.action(() => {
      options = command.opts();
    });
  try {
    await program.parseAsync([...args], { from: "user" });
    return { options };
  } catch (error) {
    return { problem: said().notes.join("\n") || String(error), options };
  }
}

const EXAMPLES = [...(await helpExamples()), ...pageExamples()];

test("there are examples of every command, in help and pages", async () => {
  for (const command of await commands()) {
    const shown = EXAMPLES.filter(({ args }) => args[0] === command.name());
    expect(shown.length, command.name()).toBeGreaterThan(0);
  }
  expect(EXAMPLES.filter(({ at }) => at.startsWith("README.md")).length).toBeGreaterThan(5);
});

test.each(EXAMPLES)("$at: saccade $args", async ({ args }) => {
  const { problem, options } = await parse(args);
  expect(problem).toBeUndefined();
  if (typeof options.recipe === "string" && !options.recipe.endsWith(".json"))
    expect([...recipes.keys(), ...stagedRecipes.keys()]).toContain(options.recipe);
});

test("a command line that cannot be given is noticed", async () => {
  expect((await parse(["classify", "a.jpg", "--topk", "3"])).problem).toMatch(/unknown option/);
  expect((await parse(["bench", "--batch", "many"])).problem).toMatch(/integers/);
  expect((await parse(["clasify"])).problem).toMatch(/unknown command/);
});

/** Words in the pages' text that stand for something the reader puts there. */
const isPlaceholder = (word: string) => /^[A-Z]+…?$/.test(word);

test("command words in the text: commands, options and names of models are there", async () => {
  const known = await commands();
  const options = (command: (typeof known)[number]) => command.options.flatMap(({ long }) => (long ? [long] : []));
  const everyOption = new Set(known.flatMap(options));
  const wrong: string[] = [];
  for (const page of PAGES)
    for (const [, code] of prose(page).matchAll(/`([^`\n]+)`/g)) {
      const words = code!.split(/\s+/);
      const isCommand = words[0] === "saccade" && words.length > 1;
      if (!isCommand && !words[0]!.startsWith("--")) continue;
      const command = isCommand ? known.find((one) => one.name() === words[1]) : undefined;
      if (isCommand && command === undefined && !isPlaceholder(words[1]!)) wrong.push(`${page}: ${code}`);
      const allowed = command === undefined ? everyOption : new Set(options(command));
      const used = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/[=,:;].*$/, ""));
      for (const option of used)
        if (!allowed.has(option) && option !== "--help") wrong.push(`${page}: ${option} of ${code}`);
      if (words[1] === "pull" && words[2] !== undefined && !isPlaceholder(words[2]) && !registry.has(words[2]))
        wrong.push(`${page}: ${words[2]} of ${code}`);
    }
  expect(wrong).toEqual([]);
});
