// Which model a bare checkpoint is, from its names and shapes, and how they must be read: as they are, or without the prefix that a training
// program put in front of all of them ("model.", "backbone.net."); with the official number of classes, or with the number it was fine-tuned to.
import { SaccadeError, UsageError, WeightsMismatchError } from "../errors.ts";
import type { NamedTensors } from "../models/architecture.ts";
import { architectures } from "../models/architectures.ts";
import { backboneArchitectures } from "../models/backbones.ts";
import { inferenceGraph } from "../models/graph.ts";
import { defineModel, type ModelDefinition, type RegisteredModel, registry, withClasses } from "../models/registry.ts";
import type { CheckpointFacts } from "../weights/facts.ts";
import type { Weights } from "../weights/load.ts";
import { quote } from "../weights/quote.ts";
import { type Headless, readHeadless } from "./headless.ts";
import { defineFromCheckpoint, nativeModel } from "./native.ts";

/** What recognising looks at. */
export type BareCheckpoint = Pick<Weights, "tensors" | "facts"> & Partial<Pick<Weights, "unread">>;

/** A registered model that a checkpoint fits. */
export interface Fit {
  readonly name: string;
  /** In front of all names of the file, with its dot; "" for none. */
  readonly prefix: string;
  /** How many classes, where they are not the official ones. */
  readonly classes: number | undefined;
}

/** "resnet50 with 10 classes, behind \"model.\"": a fit in a few words. */
export function fitText({ name, prefix, classes }: Fit): string {
  return `${name}${classes === undefined ? "" : ` with ${classes} classes`}${prefix === "" ? "" : `, behind ${quote(prefix)}`}`;
}

/** A checkpoint whose model is known. */
export interface Recognised {
  readonly definition: ModelDefinition;
  /** Under names that the architecture adopts. */
  readonly tensors: NamedTensors;
  /** What was assumed, in sentences for people. */
  readonly notes: readonly string[];
  /** Where the last layer has learnt nothing, because the file has none: what a card says of it (`ModelCard.pretext`). */
  readonly pretext?: string;
}

/** One way to read a checkpoint's names. */
interface Reading {
  readonly prefix: string;
  readonly tensors: NamedTensors;
}

/** Wrappers in wrappers are real, more than a few are not. */
const MOST_PREFIXES = 6;

/** As they are; then without the first part of the path as long as all names share it. */
function readings(tensors: NamedTensors): Reading[] {
  const found: Reading[] = [{ prefix: "", tensors }];
  while (found.length <= MOST_PREFIXES) {
    const { prefix, tensors: current } = found.at(-1)!;
    const [first = ""] = current.keys();
    const shared = first.slice(0, first.indexOf(".") + 1);
    if (shared === "" || ![...current.keys()].every((name) => name.startsWith(shared))) break;
    const shorter = new Map([...current].map(([name, value]) => [name.slice(shared.length), value]));
    found.push({ prefix: prefix + shared, tensors: shorter });
  }
  return found;
}

/**
 * The registered models that a checkpoint fits, by names and shapes: exactly, else with another number of classes. What it says of itself
 * (`facts`) narrows down which are tried, where it says anything that a registered model does too.
 */
export function detectModels({ tensors, facts }: BareCheckpoint): Fit[] {
  const ways = readings(tensors);
  for (const isFineTuned of [false, true])
    for (const { prefix, tensors: named } of ways) {
      const fits = fittingModels(named, facts, isFineTuned).map((fit) => ({ ...fit, prefix }));
      if (fits.length > 0) return fits;
    }
  return [];
}

function fittingModels(tensors: NamedTensors, facts: CheckpointFacts, isFineTuned: boolean): Omit<Fit, "prefix">[] {
  const stated = statedModels(facts);
  const candidates = stated.length > 0 ? stated : candidatesByName(tensors);
  const isExact = (name: string) => {
    const { architecture, config } = defineModel(name);
    return architecture.isMadeFor?.(tensors, config) !== false;
  };
  const fitting = (names: readonly string[]) =>
    names.flatMap((name): Omit<Fit, "prefix">[] => {
      const definition = defineModel(name);
      // Inflation makes an image checkpoint fit a video model too; a bare checkpoint means the image model.
      if (definition.architecture.input(definition.config).kind === "video" && !isExact(name)) return [];
      if (hasOtherShapes(name, tensors)) return [];
      if (!isFineTuned) return misfit(definition, tensors) === undefined ? [{ name, classes: undefined }] : [];
      const classes = otherClasses(definition, tensors);
      return classes === undefined ? [] : [{ name, classes }];
    });
  // Positions can be resampled to fit other sizes: what needs nothing of the kind is meant.
  const exact = fitting(candidates.filter(isExact));
  return exact.length > 0 ? exact : fitting(candidates.filter((name) => !isExact(name)));
}

/**
 * Whether most of a model's parameters are there under their names in other shapes: it is another member of the family then. Some families resample
 * tables to their own sizes when they read a checkpoint, which costs too much to do for each member; what they resample is never most of their names.
 */
function hasOtherShapes(name: string, tensors: NamedTensors): boolean {
  let [same, other] = [0, 0];
  const shapes = shapesOf(name);
  for (const [parameter, expected] of shapes) {
    const shape = tensors.get(parameter)?.shape;
    if (shape === undefined) continue;
    if (shape.join() === expected.join()) same++;
    else other++;
  }
  return same + other > shapes.size / 2 && other > same;
}

type Shapes = ReadonlyMap<string, readonly (number | string)[]>;
/** By registered name: what is registered does not change, and many models are asked about for one checkpoint. */
const knownShapes = new Map<string, Shapes>();

/** The shapes of a registered model's parameters, by their names. */
function shapesOf(name: string): Shapes {
  const known = knownShapes.get(name);
  if (known !== undefined) return known;
  const { parameters } = inferenceGraph(defineModel(name));
  const shapes = new Map([...parameters].map(([parameter, { tensor }]) => [parameter, tensor.shape] as const));
  knownShapes.set(name, shapes);
  return shapes;
}

/** Why tensors are not those of a model; undefined when they are. */
function misfit(
  definition: ModelDefinition,
  tensors: NamedTensors,
  unread?: ReadonlyMap<string, string>,
): SaccadeError | undefined {
  try {
    nativeModel(definition, tensors, { name: definition.architecture.name }, unread);
    return undefined;
  } catch (error) {
    if (error instanceof SaccadeError) return error;
    throw error;
  }
}

/** The number of classes that a model needs to have for the tensors to fit, where nothing but that is in the way. */
function otherClasses(definition: ModelDefinition, tensors: NamedTensors): number | undefined {
  const { architecture, config } = definition;
  const error = misfit(definition, tensors);
  if (!(error instanceof WeightsMismatchError) || error.missing.length + error.unexpected.length > 0) return undefined;
  const official = (config as Readonly<Record<string, unknown>>)[architecture.classesField];
  const [first] = error.wrongShape;
  const classes = first?.actual[0];
  const isHead = ({ expected, actual }: { expected: readonly number[]; actual: readonly number[] }) =>
    expected[0] === official && actual[0] === classes && expected.slice(1).join() === actual.slice(1).join();
  if (classes === undefined || !error.wrongShape.every(isHead)) return undefined;
  try {
    return misfit(withClasses(definition, classes), tensors) === undefined ? classes : undefined;
  } catch (error) {
    if (error instanceof UsageError) return undefined; // more classes than the architecture takes
    throw error;
  }
}

/** Two members of a family have more of their names in common than this; what has less with one needs no comparing with the others. */
const COMMON_NAMES = 0.1;

/** Over another backbone an architecture's names are others. */
function familyOf({ architecture, config }: RegisteredModel): string {
  return `${architecture} ${config.base_model ?? ""}`;
}

/** Of some registered models those of the families whose first member has names in common with a checkpoint. */
function candidatesByName(tensors: NamedTensors, among: readonly RegisteredModel[] = [...registry.values()]): string[] {
  const families = new Map<string, boolean>();
  const isOfFamily = (name: string) => {
    const { architecture, config } = defineModel(name);
    try {
      const adopted = architecture.adoptWeights(tensors, config);
      const shapes = shapesOf(name);
      const common = [...shapes.keys()].filter((parameter) => adopted.has(parameter)).length;
      return common > COMMON_NAMES * Math.min(shapes.size, adopted.size);
    } catch (error) {
      if (error instanceof SaccadeError) return false; // the tensors are something else
      throw error;
    }
  };
  return among
    .filter((model) => {
      const family = familyOf(model);
      if (!families.has(family)) families.set(family, isOfFamily(model.name));
      return families.get(family)!;
    })
    .map(({ name }) => name);
}

/** The registered models that are all that a checkpoint says of itself. */
function statedModels(facts: CheckpointFacts): string[] {
  return [...registry.values()]
    .filter(({ architecture, config }) => {
      const stated = architectures.get(architecture)?.adoptFacts?.(facts);
      return stated !== undefined && Object.entries(config).every(([field, value]) => stated[field] === value);
    })
    .map(({ name }) => name);
}

/**
 * The model of a bare checkpoint: what the caller says, else the only registered model that fits.
 *
 * @throws WeightsMismatchError when it is not the model that the caller says, UsageError when none or several fit
 */
export function recogniseCheckpoint(
  weights: BareCheckpoint,
  where: string,
  {
    architecture: model,
    config,
  }: { architecture?: string | undefined; config?: Readonly<Record<string, unknown>> | undefined } = {},
): Recognised {
  const { facts, unread } = weights;
  if (model !== undefined) {
    const told = toldByShapes(model, weights, config);
    if (told !== undefined) return readAsTold(told, weights, config);
    return readAs(defineFromCheckpoint(model, facts, config), weights, config);
  }
  const fits = detectModels(weights);
  const names = fits.map(({ name }) => name);
  const named = fits.length === 1 ? fits[0] : fits.find(({ name }) => name === namedBy(where, names));
  const chosen = named ?? (areOne(fits) ? fits[0] : undefined);
  const told = fits.length === 0 ? toldModel(weights, config) : undefined;
  if (told !== undefined) return readAsTold(told, weights, config);
  const headless = chosen === undefined && fits.length === 0 ? detectHeadless(weights) : undefined;
  if (headless !== undefined) return asRecognised(headless, weights.tensors);
  if (chosen === undefined)
    throw new UsageError(
      fits.length === 0
        ? `${where}: no registered model has these ${weights.tensors.size} tensors${unreadText(unread)}`
        : `${where} fits several models: ${names.join(", ")}`,
      "say which: --architecture NAME (see: saccade models), or convert it with a config.json of your own",
    );
  const { name, prefix, classes } = chosen;
  const field = defineModel(name).architecture.classesField;
  const overrides = { ...(classes === undefined ? {} : { [field]: classes }), ...config };
  const definition = defineFromCheckpoint(name, facts, overrides);
  const { tensors } = readings(weights.tensors).find((reading) => reading.prefix === prefix)!;
  const { registered: _, ...nameless } = definition;
  return { definition: named === undefined ? nameless : definition, tensors, notes: assumptions(chosen) };
}

/** A model whose configuration is told by the shapes of a checkpoint's tensors. */
export interface Told {
  readonly definition: ModelDefinition;
  readonly note: string;
}

/**
 * Undefined when the tensors are something else, and for families that do not tell.
 *
 * @param family an architecture: a registered model has its configuration already
 */
function toldByShapes(
  family: string,
  { tensors }: BareCheckpoint,
  config: Readonly<Record<string, unknown>> = {},
): Told | undefined {
  const { adoptShapes } = architectures.get(family) ?? {};
  const fields = readings(tensors)
    .map((reading) => adoptShapes?.(reading.tensors))
    .find((found) => found !== undefined);
  if (fields === undefined) return undefined;
  const listed = Object.entries(fields).map(([field, value]) => `${field} ${JSON.stringify(value)}`);
  try {
    const definition = defineModel(family, { ...fields, ...config });
    return { definition, note: `the shapes of its tensors told its configuration: ${listed.join(", ")}` };
  } catch (error) {
    if (error instanceof UsageError) return undefined; // no such model can be
    throw error;
  }
}

/** The model of any family that tells, whether or not all its tensors are there. */
function toldModel(weights: BareCheckpoint, config?: Readonly<Record<string, unknown>>): Told | undefined {
  const families = [...architectures.keys()];
  return families.map((family) => toldByShapes(family, weights, config)).find((told) => told !== undefined);
}

/** The model that no registered one is, but that a checkpoint's shapes tell and its tensors fit. */
export function detectToldModel(weights: BareCheckpoint): Told | undefined {
  const told = toldModel(weights);
  const fits = readings(weights.tensors).some(({ tensors }) => told && misfit(told.definition, tensors) === undefined);
  return fits ? told : undefined;
}

function readAsTold({ definition, note }: Told, weights: BareCheckpoint, config?: Readonly<Record<string, unknown>>) {
  const recognised = readAs(definition, weights, config);
  return { ...recognised, notes: [...recognised.notes, note] };
}

/** A checkpoint as the model that the caller says it is: by the first reading of its names that fits. */
function readAs(
  definition: ModelDefinition,
  { tensors, unread }: BareCheckpoint,
  config: Readonly<Record<string, unknown>> = {},
): Recognised {
  const { architecture, registered } = definition;
  const ways = readings(tensors).map((reading) => ({ ...reading, error: misfit(definition, reading.tensors, unread) }));
  const name = registered?.name ?? architecture.name;
  const recognised = (reading: Reading, classes?: number): Recognised => ({
    definition: classes === undefined ? definition : withClasses(definition, classes),
    tensors: reading.tensors,
    notes: assumptions({ name, prefix: reading.prefix, classes }),
  });
  const fitting = ways.find(({ error }) => error === undefined);
  if (fitting !== undefined) return recognised(fitting);
  if (config[architecture.classesField] === undefined)
    for (const reading of ways) {
      const classes = otherClasses(definition, reading.tensors);
      if (classes !== undefined) return recognised(reading, classes);
    }
  for (const reading of ways) {
    const headless = unread === undefined || unread.size === 0 ? readHeadless(definition, reading.tensors) : undefined;
    if (headless !== undefined) return asRecognised(headless, tensors);
  }
  // The reading that is nearest says best what is wrong.
  const faults = (error: SaccadeError | undefined) =>
    error instanceof WeightsMismatchError
      ? error.missing.length + error.unexpected.length + error.wrongShape.length
      : Number.POSITIVE_INFINITY;
  const { error } = ways.reduce((best, way) => (faults(way.error) < faults(best.error) ? way : best));
  throw error!;
}

/** The only registered model of which a checkpoint has all but the last layers. */
export function detectHeadless({ tensors, unread }: BareCheckpoint): Headless | undefined {
  if (unread !== undefined && unread.size > 0) return undefined;
  const backbones = backboneArchitectures();
  const among = [...registry.values()].filter(({ architecture }) => backbones.includes(architecture));
  for (const reading of readings(tensors)) {
    const found = candidatesByName(reading.tensors, among).flatMap((name) => {
      return readHeadless(defineModel(name), reading.tensors) ?? [];
    });
    if (found.length === 1) return found[0];
  }
  return undefined;
}

/** What it is, in a few words. */
export const headlessText = ({ name, fresh }: Headless) => `${name} without its last layers (${fresh.join(", ")})`;

function asRecognised(headless: Headless, file: NamedTensors): Recognised {
  const { definition, tensors } = headless;
  const isSpark = [...file.keys()].some((tensor) => tensor.includes("sparse_encoder.sp_cnn."));
  const note = `it is ${headlessText(headless)}, which have learnt nothing yet`;
  return { definition, tensors, notes: [note], pretext: isSpark ? "spark" : "its file has no last layer" };
}

/** Whether all are one model under several names: CLIP's B/32 and B/16 have equal text towers. */
function areOne(fits: readonly Fit[]): boolean {
  const described = fits.map(({ name, ...rest }) => {
    const { architecture, config } = defineModel(name);
    return JSON.stringify([architecture.name, config, rest]);
  });
  return new Set(described).size === 1;
}

/** What people should know of how a checkpoint was read. */
function assumptions({ name, prefix, classes }: Fit): string[] {
  return [
    ...(prefix === "" ? [] : [`all names begin with ${quote(prefix)}, which is not ${name}'s and was left out`]),
    ...(classes === undefined
      ? []
      : [`it is ${name} with ${classes} classes of its own; the file does not name them: class 0, class 1, …`]),
  ];
}

/** ViT and DeiT differ in nothing but how pictures are prepared: the only one of several models that a file's name contains. */
function namedBy(where: string, models: readonly string[]): string | undefined {
  const file = where.replace(/^.*[/\\]/, "");
  const named = models.filter((model) => file.includes(model));
  return named.length === 1 ? named[0] : undefined;
}

function unreadText(unread: ReadonlyMap<string, string> = new Map()): string {
  if (unread.size === 0) return "";
  const list = [...unread].slice(0, 5).map(([name, kind]) => `${name} (${kind})`);
  return `, and ${unread.size} of kinds that are not read: ${list.join(", ")}${unread.size > 5 ? ", …" : ""}`;
}
