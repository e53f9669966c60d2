// Trainings of a benchmark, each in a folder of its name: what is there already is taken, what was stopped goes on, and what is new is trained.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeTrainingHost } from "../src/platform/node/training-host.ts";
import type { RecipeInput } from "../src/train/recipe-fields.ts";
import { isResumable, train } from "../src/workflows/train.ts";
import type { TrainOptions } from "../src/workflows/train-options.ts";

export interface KeptTraining {
  /** Where the folders are. */
  readonly work: string;
  readonly data: string;
  readonly threads: number;
}

/** Trains a recipe to its end, on the processor. Resolves with the folder of its best model. @param from a model to begin with */
export async function keptTraining(
  { work, data, threads }: KeptTraining,
  recipe: RecipeInput,
  from?: string,
): Promise<string> {
  const folder = join(work, recipe.name);
  const [best, finished] = [join(folder, "best"), join(folder, "finished")];
  if (existsSync(finished)) return best;
  const options: TrainOptions = {
    ...{ folder, threads, workers: 1, device: "cpu" },
    onReport: ({ step, totalSteps, loss, imagesPerSecond }) =>
      console.log(
        `${recipe.name}: ${step} of ${totalSteps}, loss ${loss.toFixed(3)}, ${imagesPerSecond.toFixed(1)} a second`,
      ),
    onEpoch: (epoch, _report, _evaluation, places) =>
      console.log(`${recipe.name}: epoch ${epoch + 1}, ${places?.measure} ${places?.value?.toFixed(4)}`),
  };
  const { model } = (await isResumable(nodeTrainingHost.files, folder))
    ? await train(nodeTrainingHost, undefined, { ...options, resume: true })
    : await train(nodeTrainingHost, data, { ...options, recipe, ...(from === undefined ? {} : { from }) });
  writeFileSync(finished, "");
  return model;
}
