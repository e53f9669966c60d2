// saccade recipes: what there is to train with.
import type { Command } from "commander";
import type { RecipeGroup } from "../../recipes/catalogue.ts";
import { type ListedRecipe, listedRecipeNamed, listedRecipes } from "../../recipes/index.ts";
import { isStaged } from "../../train/staged-recipe.ts";
import { fold } from "../facts.ts";
import type { Terminal } from "../terminal.ts";

const GROUPS: Readonly<Record<RecipeGroup, string>> = {
  start: "For your own pictures",
  pretraining: "Features from pictures without labels",
  bundled: "What made the bundled model",
  scenes: "Experiments of glance and focus",
  dense: "Detectors and segmenters",
  tokens: "Plain ViTs that go on with fewer tokens",
  official: "Of the papers",
};

const EXAMPLES = `
A recipe is plain JSON: save what NAME prints, change it, and give the file to
saccade train --recipe. docs/recipes.md says what each field means.

Examples:
  $ saccade recipes
  $ saccade recipes fine-tune
  $ saccade recipes fine-tune --json > mine.json
`;

export function addRecipes(program: Command, terminal: Terminal): void {
  program
    .command("recipes")
    .description("list the recipes of saccade train, or show one")
    .argument("[name]", "the recipe whose fields to show")
    .option("--json", "the recipe as saccade train --recipe takes it; of all, what they are for too")
    .addHelpText("after", EXAMPLES)
    .action((name: string | undefined, { json }: { json?: boolean }) => {
      if (name === undefined)
        terminal.out(json === true ? `${JSON.stringify(listedRecipes, undefined, 2)}\n` : listText(terminal.columns));
      else {
        const listed = listedRecipeNamed(name);
        if (json !== true) for (const line of aboutLines(listed)) terminal.note(line);
        terminal.out(`${JSON.stringify(listed.recipe, undefined, 2)}\n`);
      }
    });
}

function listText(columns: number): string {
  const groups = Object.entries(GROUPS).map(([group, title]) =>
    [
      title,
      ...listedRecipes.filter((listed) => listed.group === group).flatMap((listed) => entryLines(listed, columns)),
    ].join("\n"),
  );
  return `${groups.join("\n\n")}\n`;
}

const INDENT = "      ";

function entryLines({ recipe, data, cost }: ListedRecipe, columns: number): string[] {
  const stages = isStaged(recipe) ? ` (${recipe.stages.length} stages)` : "";
  const about = [recipe.summary, `data: ${data}`, `cost: ${cost}`];
  return [
    `  ${recipe.name}${stages}`,
    ...about.flatMap((text) =>
      fold(text, columns - INDENT.length - 2).map((line, i) => `${INDENT}${i === 0 ? "" : "  "}${line}`),
    ),
  ];
}

function aboutLines({ recipe, data, cost }: ListedRecipe): string[] {
  return [`${recipe.name}: ${recipe.summary}`, `data: ${data}`, `cost: ${cost}`];
}
