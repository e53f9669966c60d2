// What a session carries from one run to the next, inside the worker. On a CPU these are the tensors that the engine gave. On WebGPU they stay in
// the device's memory: a train step's parameters and moments would otherwise cross the bus twice at every step.
import type * as Ort from "onnxruntime-web";

/** Input name -> the output that replaces it after every run. */
export type StateNames = Readonly<Record<string, string>>;

/** What to ask of a session on WebGPU: the state's outputs stay where they are, all others are read back. */
export function outputLocations(state: StateNames): Ort.InferenceSession.SessionOptions {
  const names = Object.values(state);
  return names.length === 0
    ? {}
    : { preferredOutputLocation: Object.fromEntries(names.map((name) => [name, "gpu-buffer"])) };
}

/** Opens a model on the device of the state, runs it once, and closes it. */
export type RunOnce = (
  model: Uint8Array,
  feeds: Record<string, Ort.Tensor>,
) => Promise<Ort.InferenceSession.OnnxValueMapType>;

/** The tensors of a state, as they come and go. */
export class HeldState {
  readonly #state: StateNames;
  readonly #runOnce: RunOnce;
  readonly #held = new Map<string, Ort.Tensor>();

  constructor(state: StateNames, runOnce: RunOnce) {
    this.#state = state;
    this.#runOnce = runOnce;
  }

  /** Whether it carries this input. */
  has(name: string): boolean {
    return Object.hasOwn(this.#state, name);
  }

  get outputs(): readonly string[] {
    return Object.values(this.#state);
  }

  get tensors(): Record<string, Ort.Tensor> {
    return Object.fromEntries(this.#held);
  }

  set(name: string, value: Ort.Tensor): void {
    const before = this.#held.get(name);
    this.#held.set(name, value);
    // Memory of the device is not the garbage collector's.
    if (before !== undefined && before !== value && before.location !== "cpu") before.dispose();
  }

  /** Takes over what a run gave. */
  take(results: Ort.InferenceSession.OnnxValueMapType): void {
    for (const [input, output] of Object.entries(this.#state)) this.set(input, results[output] as Ort.Tensor);
  }

  /** The tensors that are set, of those named, in the processor's memory. */
  async read(names: readonly string[]): Promise<Map<string, Ort.Tensor>> {
    const wanted = names.flatMap((name) => {
      const value = this.#held.get(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    const away = wanted.filter(([, value]) => value.location !== "cpu");
    const fetched = away.length === 0 ? new Map<string, Ort.Tensor>() : await this.#fetch(away);
    return new Map(wanted.map(([name, value]) => [name, fetched.get(name) ?? value]));
  }

  /** The native binding cannot read a tensor back from the device by itself, but outputs of a session can come back: a model that copies. */
  async #fetch(away: readonly (readonly [string, Ort.Tensor])[]): Promise<Map<string, Ort.Tensor>> {
    const { copyingModel } = await import("./copying-model.ts");
    const model = copyingModel(away.map(([, value]) => value));
    const copies = await this.#runOnce(model, Object.fromEntries(away.map(([, value], i) => [`${i}`, value])));
    return new Map(away.map(([name], i) => [name, copies[`copy.${i}`] as Ort.Tensor]));
  }

  release(): void {
    for (const value of this.#held.values()) if (value.location !== "cpu") value.dispose();
    this.#held.clear();
  }
}
