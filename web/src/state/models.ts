// The models of the page: the one that comes with it, and what somebody opened from the disk.
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { IncomingFile } from "../incoming-files.ts";
import { type Device, describeModel, type ModelFacts, type ModelSource } from "../library.ts";
import { announce, report } from "./notices.ts";

export interface OpenModel {
  readonly id: string;
  readonly name: string;
  readonly source: ModelSource;
  readonly origin: "bundled" | "disk" | "here";
  /** What is known of it, once it was asked for. */
  readonly facts: ReadonlySignal<ModelFacts | undefined>;
  /** Lines that the library said while it was opened: what it assumed, which device it took and why. */
  readonly notices: Signal<readonly string[]>;
  readonly looksInSteps: boolean;
  /** How it is to be run. */
  engine(): { readonly device: Device; readonly onNotice: (line: string) => void };
}

/** Where models run. "auto" takes the best that is there, and says which. */
export const device = signal<Device>("auto");

interface KnownFacts {
  readonly facts: Signal<ModelFacts | undefined>;
  asked?: Promise<ModelFacts>;
}
const known = new WeakMap<OpenModel, KnownFacts>();

/** The model that comes with the page. */
export const BUNDLED = "saccade/photographs";

const bundled = makeModel("bundled", BUNDLED, BUNDLED, "bundled");

export const models = signal<readonly OpenModel[]>([bundled]);
const currentId = signal(bundled.id);
export const currentModel = computed(() => models.value.find(({ id }) => id === currentId.value) ?? bundled);

/** What opening a model from the disk is at. */
export const opening = signal<{ readonly name: string } | undefined>(undefined);

function makeModel(
  id: string,
  name: string,
  source: ModelSource,
  origin: OpenModel["origin"],
  facts = signal<ModelFacts | undefined>(undefined),
): OpenModel {
  const notices = signal<readonly string[]>([]);
  const onNotice = (line: string) => {
    const words = line.replace(/^saccade: /, "");
    if (!notices.value.includes(words)) notices.value = [...notices.value, words];
  };
  const model: OpenModel = {
    ...{ id, name, source, origin, facts, notices },
    get looksInSteps() {
      return facts.value?.looksInSteps === true;
    },
    engine: () => ({ device: device.value, onNotice }),
  };
  known.set(model, { facts });
  return model;
}

/** Reads what a model is, once. What the model says of itself is also in `model.facts`. */
export function factsOf(model: OpenModel): Promise<ModelFacts> {
  const entry = known.get(model)!;
  entry.asked ??= describeModel(model.source, { onNotice: model.engine().onNotice }).then((facts) => {
    entry.facts.value = facts;
    return facts;
  });
  entry.asked.catch(() => {
    delete entry.asked;
  });
  return entry.asked;
}

let nextId = 0;

/**
 * Opens a model that somebody chose: the files of a folder, an ONNX file with what lies beside it, or a checkpoint. What is none is reported, and nothing changes.
 *
 * @returns whether it is open
 */
export async function openFromDisk(files: readonly IncomingFile[]): Promise<boolean> {
  const [first] = files;
  if (first === undefined) return false;
  const name = nameOf(files);
  opening.value = { name };
  try {
    const list = files.map(({ file }) => file);
    const model = makeModel(
      `disk-${nextId++}`,
      name,
      list.length === 1 && first.path.length === 1 ? first.file : list,
      "disk",
    );
    await factsOf(model);
    addModel(model);
    announce(`${name} is open.`);
    return true;
  } catch (error) {
    report(error);
    return false;
  } finally {
    opening.value = undefined;
  }
}

/** A model that came to be in the page: what was taught or trained. @param source what the library loads */
export function openFromPage(name: string, source: ModelSource): OpenModel {
  const model = makeModel(`here-${nextId++}`, name, source, "here");
  addModel(model);
  return model;
}

function addModel(model: OpenModel): void {
  models.value = [...models.value, model];
  currentId.value = model.id;
}

export function useModel(id: string): void {
  currentId.value = id;
}

/** The page forgets a model; nothing on the disk changes. */
export function closeModel(id: string): void {
  if (id === bundled.id) return;
  models.value = models.value.filter((model) => model.id !== id);
}

/** The folder's name, or that of the file. */
function nameOf(files: readonly IncomingFile[]): string {
  const [first] = files as readonly [IncomingFile, ...IncomingFile[]];
  if (first.path.length > 1) return first.path[0]!;
  const model = files.find(({ file }) => isModelFile(file.name)) ?? first;
  return model.file.name;
}

const MODEL_FILES = /\.(onnx|pth|pt|safetensors|ckpt|bin|tar)$/i;

export const isModelFile = (name: string): boolean => MODEL_FILES.test(name);

/** Whether what was dropped is a model and no picture: a weight file, or a folder that has a configuration or weights in it. */
export const isModel = (files: readonly IncomingFile[]): boolean => files.some(({ file }) => isModelFile(file.name));
