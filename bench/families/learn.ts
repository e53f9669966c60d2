// One row: a fresh model learns for as long as the budget says, and is scored on pictures that nothing was trained or chosen on. Time is that of processors and not of the clock, so
// that a machine with other work to do measures the same. The rate of learning follows
// that time, so it has fallen to the end when the time is over, however many steps that were.
import type { Dataset } from "../../src/data/dataset.ts";
import { inlineWorker } from "../../src/data/loader.ts";
import type { NativeModel } from "../../src/model-folder/model.ts";
import { modelCost } from "../../src/models/cost.ts";
import { lower } from "../../src/onnx/lower.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { nodeTrainingHost } from "../../src/platform/node/training-host.ts";
import type { SessionOptions } from "../../src/runtime/session.ts";
import type { TensorData } from "../../src/tensor.ts";
import { trainingLoader, validationLoader } from "../../src/train/loaders.ts";
import { optimizerOf, parseRecipe } from "../../src/train/recipe.ts";
import type { Recipe } from "../../src/train/recipe-fields.ts";
import { stepOfRecipe } from "../../src/train/recipe-step.ts";
import { startingPoint } from "../../src/train/start.ts";
import { initialState, stateOf, Trainer } from "../../src/train/trainer.ts";
import { validate } from "../../src/train/validation.ts";
import type { Member } from "./members.ts";
import type { Budget, FamilyRow } from "./results.ts";

export interface LearningSet {
  /** Pixels a side. */
  readonly size: number;
  readonly train: Dataset;
  /** Splits that are scored, as one. */
  readonly measured: readonly Dataset[];
}

/** Small: what matters in so short a time is how many steps there are. */
const BATCH = 16;
/** Where batches are made: in this thread. */
const PLACE = { files: nodeTrainingHost.dataFiles, decode: nodeTrainingHost.decode };
/** Steps in which the rate rises. */
const WARM_UP = 10;

/** The same for all: what a family would like better is a question of its own. */
export function recipeOf({ architecture, config, name }: Member, size: number, seed: number): Recipe {
  return parseRecipe({
    name,
    architecture,
    config: config(size),
    height: size,
    width: size,
    augmentation: `random_resized_crop(${size},0.5:1)|flip(0.5)|normalize(imagenet)`,
    transform: `resize_small(${Math.round(size * 1.125)},bicubic)|central_crop(${size})|normalize(imagenet)`,
    epochs: 1,
    batch: BATCH,
    learning_rate: 1e-3,
    warmup_rate: 1e-6,
    minimum_rate: 1e-6,
    weight_decay: 0.05,
    no_decay: architecture === "sparseformer" ? ["initial_roi.*"] : [],
    clip_norm: 5,
    label_smoothing: 0.1,
    seed,
  });
}

export async function learn(member: Member, set: LearningSet, seed: number, budget: Budget): Promise<FamilyRow> {
  const { size, train } = set;
  const recipe = recipeOf(member, size, seed);
  const { model } = startingPoint(recipe, train.labels);
  const step = stepOfRecipe(recipe, model.definition, train.labels.length);
  await using session = await openSession(lower(step.graph, { parametersAs: "inputs" }), { state: stateOf(step) });
  await using loader = trainingLoader(train, recipe, [inlineWorker(PLACE)]);
  const clock =
    "epochs" in budget
      ? steadyClock(Math.round(budget.epochs * loader.batchesPerEpoch))
      : timeClock(budget.processorSeconds);
  const trainer: Trainer = new Trainer(
    {
      step,
      session,
      optimizer: optimizerOf(recipe),
      schedule: {
        baseRate: recipe.learning_rate,
        warmupRate: recipe.warmup_rate,
        minimumRate: recipe.minimum_rate,
        warmupSteps: WARM_UP,
        get totalSteps() {
          return clock.totalSteps(trainer.step);
        },
      },
      emaDecay: 0,
      accumulate: 1,
      seed,
    },
    model.weights,
    initialState(step, model.weights),
  );
  const started = processorSeconds();
  for await (const batch of loader.batches()) {
    await trainer.run(batch);
    if (clock.isOver(trainer.step)) break;
  }
  const seconds = processorSeconds() - started;
  const weights = trainer.parametersOf(await trainer.state(), "current");
  const { parameters, macs } = modelCost(model.definition, { height: size, width: size });
  return {
    family: member.name,
    seed,
    parameters,
    macs,
    ...(await score(model, weights, recipe, set)),
    steps: trainer.step,
    batch: BATCH,
    epochs: round((trainer.step * BATCH) / train.length, 2),
    processorSeconds: round(seconds, 1),
  };
}

function openSession(bytes: Uint8Array, options: SessionOptions) {
  return nodeHost.createSession(bytes, { device: "cpu", threads: 1, ...options });
}

/** When learning is over, and how far it is: the rate of learning falls over just so many steps. */
interface Clock {
  totalSteps(done: number): number;
  isOver(done: number): boolean;
}

const steadyClock = (steps: number): Clock => ({ totalSteps: () => steps, isOver: (done) => done >= steps });

/** So many steps as the time will do for, by those that were done. */
function timeClock(seconds: number): Clock {
  const started = processorSeconds();
  const share = () => (processorSeconds() - started) / seconds;
  return {
    totalSteps: (done) => Math.max(done + 1, Math.round(done / Math.max(share(), 1e-6))),
    isOver: () => share() >= 1,
  };
}

async function score(
  { definition }: NativeModel,
  weights: ReadonlyMap<string, TensorData>,
  recipe: Recipe,
  { measured }: LearningSet,
): Promise<Pick<FamilyRow, "right" | "pictures" | "loss">> {
  let [right, pictures, loss] = [0, 0, 0];
  for (const dataset of measured) {
    await using loader = validationLoader(dataset, recipe, [inlineWorker(PLACE)]);
    const { evaluation } = await validate({ definition, weights, loader, createSession: openSession });
    right += Math.round(evaluation.top1 * evaluation.pictures);
    loss += evaluation.loss * evaluation.pictures;
    pictures += evaluation.pictures;
  }
  return { right, pictures, loss: round(loss / pictures, 4) };
}

/** Of all threads of this process. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
