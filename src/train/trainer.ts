// Runs a compiled train step again and again: feeds batches, masks and rates, keeps the state in the engine, and reads it out for checkpoints.
// Knows nothing of files or of what a run logs; see run/ and the train command for those.
import type { BatchAnnotations } from "../data/annotations.ts";
import { SaccadeError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import type { Session, StateReader } from "../runtime/session.ts";
import { elementCount, type TensorData, tensor, toFloat32 } from "../tensor.ts";
import { annotationFeeds } from "./annotation-inputs.ts";
import { doHostWork } from "./host-work.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { type CosineSchedule, cosineRate } from "./schedule.ts";
import { STEP_OUTPUTS, type TrainStep } from "./step.ts";
import type { StateTensor } from "./updates.ts";

/** One batch, as a train step takes it. */
export interface TrainingBatch {
  /** (batch, 3, [frames,] height, width) */
  readonly images: TensorData<"float32">;
  /** (batch, classes), rows sum to 1; of annotated pictures nothing of use */
  readonly targets: TensorData<"float32">;
  /** Of annotated pictures. */
  readonly annotations?: BatchAnnotations;
  /** What distillation learns from: (batch, classes) logits or (batch, width) features. */
  readonly teacher?: TensorData<"float32">;
  /** Of the pictures, for messages. */
  readonly names?: readonly string[];
}

export interface TrainerOptions {
  readonly step: TrainStep;
  /** A session over the step's bytes, made with `stateOf(step)`. */
  readonly session: Session;
  /** Over `lowerReads(step)`, where the step has host work: opened by the session. */
  readonly reader?: StateReader;
  readonly optimizer: Optimizer;
  readonly schedule: CosineSchedule;
  /** Moving average's decay once it is warm; ignored when the step keeps none. */
  readonly emaDecay: number;
  /** Batches for one update. */
  readonly accumulate: number;
  /** For drop-path and dropout masks, and what else is drawn at random. */
  readonly seed: number;
}

/** What one step says. */
export interface StepReport {
  /** Batches seen, this one included. */
  readonly step: number;
  readonly loss: number;
  /** Undefined where the objective asks nothing that has an answer. */
  readonly accuracy: number | undefined;
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** What stopped being finite, and where it began. */
export interface Divergence {
  readonly step: number;
  readonly loss: number;
  /** The tensor that was not finite first, in the order of computing: an input, "loss", or the parameter whose gradient it was. */
  readonly tensor: string;
  /** For an input: the picture. */
  readonly picture?: string;
}

/** A loss or gradient that is not a finite number. */
export class DivergedError extends SaccadeError {
  override readonly name: string = "DivergedError";
  constructor(divergence: Divergence) {
    const { step, loss, tensor: name, picture } = divergence;
    super(
      "diverged",
      `step ${step}: ${describeDivergence(divergence)}`,
      picture === undefined
        ? {
            hint: "begin a new run with a lower learning rate, a longer warm-up or tighter clipping; the run's last checkpoint is still good",
            data: { step, loss, tensor: name },
          }
        : { hint: "take it out of the data, then resume", data: { step, loss, tensor: name, picture } },
    );
  }
}

function describeDivergence({ loss, tensor: name, picture }: Divergence): string {
  if (picture !== undefined) return `the ${name} of ${picture} have values that are not finite`;
  return name === "loss" ? `the loss is ${loss}` : `the gradient of ${name} is not finite (the loss is ${loss})`;
}

/** Which inputs a session carries from one run to the next. */
export function stateOf(step: TrainStep): Record<string, string> {
  return Object.fromEntries(step.state.map(({ input, output }) => [input, output]));
}

/** State before the first step: given parameters, averages equal to them, optimiser and accumulators at zero. */
export function initialState(step: TrainStep, parameters: ReadonlyMap<string, TensorData>): Map<string, TensorData> {
  const start = ({ role, parameter, shape }: StateTensor): TensorData => {
    if (role === "optimizer" || role === "accumulator")
      return tensor("float32", shape, new Float32Array(elementCount(shape)));
    const value = parameters.get(parameter);
    if (value === undefined) throw new SaccadeError("train", `the parameter ${parameter} has no value to start from`);
    return tensor("float32", shape, toFloat32(value));
  };
  return new Map(step.state.map((item) => [item.input, start(item)]));
}

export class Trainer {
  readonly #options: TrainerOptions;
  /** What no step changes, whether the step's graph knows it or not. */
  readonly #constant: ReadonlyMap<string, TensorData>;
  /** Of these, what is fed with every run. */
  readonly #frozen: ReadonlyMap<string, TensorData>;
  /** Fed with the next run; afterwards the engine has it. */
  #pending: ReadonlyMap<string, TensorData> | undefined;
  #step: number;

  /** `parameters` must hold the frozen ones; `state` and `step` come from `initialState` or a checkpoint. */
  constructor(
    options: TrainerOptions,
    parameters: ReadonlyMap<string, TensorData>,
    state: ReadonlyMap<string, TensorData>,
    step = 0,
  ) {
    this.#options = options;
    this.#pending = state;
    this.#step = step;
    const carried = new Set(options.step.state.map(({ input }) => input));
    this.#constant = new Map([...parameters].filter(([name]) => !carried.has(name)));
    // A parameter that the objective does not reach is no input.
    const inputs = new Set(options.session.inputs.map(({ name }) => name));
    this.#frozen = new Map([...this.#constant].filter(([name]) => inputs.has(name)));
  }

  /** Batches seen so far. */
  get step(): number {
    return this.#step;
  }

  /** One batch. Throws DivergedError when loss or gradients stop being finite; the state is lost then. */
  async run(batch: TrainingBatch): Promise<StepReport> {
    const { step, session, accumulate } = this.#options;
    const update = Math.floor(this.#step / accumulate);
    const learningRate = cosineRate(this.#options.schedule, update);
    const feeds = {
      image: batch.images,
      ...(step.graph.inputs.has("targets") ? { targets: batch.targets } : {}),
      ...annotationFeeds(batch.annotations, step.graph),
      ...(batch.teacher === undefined ? {} : { teacher: batch.teacher }),
      ...this.#scalars(update, learningRate),
      ...this.#masks(),
      ...this.#draws(),
      ...Object.fromEntries(this.#frozen),
    };
    const made = step.hostWork.length === 0 ? {} : await this.#hostWork(feeds);
    const outputs = await session.run(
      {
        ...(step.hostWork.length === 0 ? feeds : takenBy(session, feeds)),
        ...made,
        ...Object.fromEntries(this.#pending ?? []),
      },
      { outputs: STEP_OUTPUTS.filter((name) => step.graph.outputs.has(name)) },
    );
    this.#pending = undefined;
    this.#step += 1;
    const value = (name: (typeof STEP_OUTPUTS)[number]) => Number(outputs[name]!.data[0]);
    const hasAnswer = outputs.accuracy !== undefined;
    const report = {
      step: this.#step,
      loss: value("loss"),
      accuracy: hasAnswer ? value("accuracy") : undefined,
      gradientNorm: value("gradient_norm"),
      learningRate,
    };
    if (!Number.isFinite(report.loss) || !Number.isFinite(report.gradientNorm))
      throw new DivergedError(findDivergence(step, batch, report, toFloat32(outputs.gradient_squares!)));
    return report;
  }

  /** What the host makes of what the parameters say of the batch before the step moves them. */
  async #hostWork(feeds: Readonly<Record<string, TensorData>>): Promise<Record<string, TensorData>> {
    const { reader, step } = this.#options;
    if (reader === undefined) throw new SaccadeError("train", "this engine cannot run two models over one state");
    const state = Object.fromEntries(this.#pending ?? []);
    const values = await reader.run({ ...takenBy(reader, feeds), ...state });
    this.#pending = undefined;
    return doHostWork(step.hostWork, values);
  }

  /** Everything that the next step needs, by state input name. */
  async state(): Promise<Map<string, TensorData>> {
    if (this.#pending !== undefined) return new Map(this.#pending);
    const { session, step } = this.#options;
    if (session.readState === undefined) throw new SaccadeError("train", "this engine cannot keep state between runs");
    const values = await session.readState(step.state.map(({ input }) => input));
    return new Map(Object.entries(values));
  }

  /** The model's parameters and buffers: their moving averages where there are any and they are asked for. */
  parametersOf(state: ReadonlyMap<string, TensorData>, kind: "current" | "average"): Map<string, TensorData> {
    const averages = this.#options.step.state.some(({ role }) => role === "ema");
    const roles = kind === "average" && averages ? ["ema"] : ["parameter", "buffer"];
    const carried = this.#options.step.state.filter(({ role }) => roles.includes(role));
    return new Map([
      ...this.#constant,
      ...carried.map(({ input, parameter }) => [parameter, state.get(input)!] as const),
    ]);
  }

  #scalars(update: number, learningRate: number): Record<string, TensorData> {
    const { optimizer, step, emaDecay, accumulate } = this.#options;
    const t = update + 1;
    const all: Record<string, number> = {
      learning_rate: learningRate,
      ...optimizer.scalars(t),
      // Young averages follow quickly, so that they do not remember the initialisation.
      ema_decay: Math.min(emaDecay, (1 + t) / (10 + t)),
      apply: (this.#step + 1) % accumulate === 0 ? 1 : 0,
      progress: Math.min(1, update / this.#options.schedule.totalSteps),
    };
    return Object.fromEntries(step.scalars.map((name) => [name, tensor("float32", [], Float32Array.of(all[name]!))]));
  }

  /** Masks depend on the seed and the step alone, so a resumed run draws the same. */
  #masks(): Record<string, TensorData> {
    const { step, seed } = this.#options;
    return Object.fromEntries(
      step.masks.map(({ name, keep, shape }) => {
        const random = new RandomSource(seed, `${name}/${this.#step}`);
        const sizes = shape.map(Number); // a step has one shape
        const data = Float32Array.from({ length: elementCount(sizes) }, () => (random.uniform() < keep ? 1 / keep : 0));
        return [name, tensor("float32", sizes, data)];
      }),
    );
  }

  /** As for masks. */
  #draws(): Record<string, TensorData> {
    const { step, seed } = this.#options;
    return Object.fromEntries(
      step.draws.map(({ name, shape, distribution }) => {
        const random = new RandomSource(seed, `${name}/${this.#step}`);
        const next = distribution === "uniform" ? () => random.uniform() : () => random.normal();
        return [name, tensor("float32", shape, Float32Array.from({ length: elementCount(shape) }, next))];
      }),
    );
  }
}

/** The feeds that a model takes. */
function takenBy({ inputs }: StateReader, feeds: Readonly<Record<string, TensorData>>): Record<string, TensorData> {
  const names = new Set(inputs.map(({ name }) => name));
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => names.has(name)));
}

/** Inputs come before the loss, the loss before gradients, and gradients from the model's end to its beginning. */
function findDivergence(step: TrainStep, batch: TrainingBatch, report: StepReport, squares: Float32Array): Divergence {
  const at = { step: report.step, loss: report.loss };
  const inputs = {
    images: batch.images,
    targets: batch.targets,
    boxes: batch.annotations?.boxes,
    teacher: batch.teacher,
  };
  for (const [name, value] of Object.entries(inputs)) {
    const data = value?.data;
    const bad = data?.findIndex((value) => !Number.isFinite(value)) ?? -1;
    if (data === undefined || bad < 0) continue;
    const row = Math.floor(bad / (data.length / batch.images.shape[0]!));
    return { ...at, tensor: name, picture: batch.names?.[row] ?? `picture ${row} of the batch` };
  }
  const bad = squares.findLastIndex((square) => !Number.isFinite(square));
  return { ...at, tensor: Number.isFinite(report.loss) && bad >= 0 ? step.trained[bad]! : "loss" };
}
