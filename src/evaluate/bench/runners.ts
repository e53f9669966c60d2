// What is timed: a session that is fed the model's input, or everything from JPEG files to answers.
import type { MeasuringHost } from "../../platform/host.ts";
import type { Session } from "../../runtime/session.ts";
import { loadClassifier } from "../../tasks/classify/classifier.ts";
import { loadEmbedder } from "../../tasks/embed/embedder.ts";
import { elementCount, type TensorData, tensor } from "../../tensor.ts";
import type { Contender } from "./interleave.ts";
import { syntheticPicture } from "./picture.ts";
import type { Station } from "./plan.ts";
import { type ProductProbe, productInput, productModel } from "./product-rate.ts";
import type { Compiled } from "./subjects.ts";

/** A loaded model, ready to be measured with any batch. */
export interface Runner {
  /** Where it really runs. */
  readonly device: string;
  readonly engine: string;
  contender(batch: number): Contender;
  dispose(): Promise<void>;
}

export interface RunnerOptions {
  readonly decode: boolean;
  readonly seed: number;
  readonly onNotice?: (line: string) => void;
}

export async function openRunner(
  host: MeasuringHost,
  station: Station,
  compiled: Compiled,
  options: RunnerOptions,
): Promise<Runner> {
  return options.decode ? openDecoding(host, station, compiled, options) : openFed(host, station, compiled, options);
}

/** The shape of a station's input. */
export function inputShape(
  { subject, extent: { frames, height, width } }: Station,
  batch: number,
  { takesPixels = false }: Pick<Compiled, "takesPixels">,
): number[] {
  return takesPixels
    ? [batch, height, width, 3]
    : [batch, subject.channels, ...(frames === undefined ? [] : [frames]), height, width];
}

/** A station's input of ordinary numbers; zeros or denormals could be faster or slower. */
export function inputOf(station: Station, batch: number, compiled: Pick<Compiled, "takesPixels">): TensorData {
  const shape = inputShape(station, batch, compiled);
  const elements = elementCount(shape);
  if (compiled.takesPixels === true)
    return tensor(
      "uint8",
      shape,
      Uint8Array.from({ length: elements }, (_, i) => (i * 7919) % 251),
    );
  const values = new Float32Array(elements);
  for (let i = 0; i < elements; i++) values[i] = ((i * 7919) % 1000) / 250 - 2;
  return tensor("float32", shape, values);
}

async function openFed(
  host: MeasuringHost,
  station: Station,
  compiled: Compiled,
  { onNotice }: RunnerOptions,
): Promise<Runner> {
  const { bytes, inputName, outputName, takesPixels = false } = compiled; // not the bytes, for as long as the session lives
  const { device, threads } = station;
  const session = await host.createSession(bytes, { device, threads, ...(onNotice === undefined ? {} : { onNotice }) });
  return {
    device: session.device,
    engine: session.engine,
    contender: (batch) => {
      const image = inputOf(station, batch, { takesPixels });
      return {
        prepare() {
          // A copy, made before the clock starts, because the run takes it away: nothing is copied while it is timed.
          const feeds = { [inputName]: { ...image, data: image.data.slice() } as TensorData };
          return () => session.run(feeds, { outputs: [outputName], transferInputs: true });
        },
      };
    },
    dispose: () => session.dispose(),
  };
}

async function openDecoding(
  host: MeasuringHost,
  station: Station,
  { bytes }: Compiled,
  { seed, onNotice }: RunnerOptions,
): Promise<Runner> {
  const { device, threads, subject, extent } = station;
  const opened: { session?: Session & { readonly engine: string } } = {};
  const watched: MeasuringHost = {
    ...host,
    createSession: async (model, options) => {
      opened.session = await host.createSession(model, options);
      return opened.session;
    },
  };
  const options = {
    device,
    threads,
    transform: subject.normalization,
    ...(onNotice === undefined ? {} : { onNotice }),
  };
  const task =
    subject.answers === "embedding"
      ? await loadEmbedder(watched, bytes, options)
      : await loadClassifier(watched, bytes, options);
  const jpeg = await host.encodeJpeg(syntheticPicture(extent.width, extent.height, seed));
  return {
    device: opened.session?.device ?? device,
    engine: opened.session?.engine ?? "unknown",
    contender: (batch) => {
      const pictures = new Array<Uint8Array>(batch).fill(jpeg);
      return {
        prepare: () => () =>
          "classify" in task
            ? task.classify(pictures, { batchSize: batch })
            : task.embed(pictures, { batchSize: batch }),
      };
    },
    dispose: () => task.dispose(),
  };
}

/** The machine's matrix products, as one more thing to measure. */
export async function openProbe(
  host: MeasuringHost,
  probe: ProductProbe,
  { device, threads }: Pick<Station, "device" | "threads">,
): Promise<{ readonly contender: Contender; dispose(): Promise<void> }> {
  const session = await host.createSession(productModel(probe), { device, threads, onNotice: () => undefined });
  const { x } = productInput(probe);
  return {
    contender: {
      prepare() {
        const feeds = { x: { ...x, data: x.data.slice() } };
        return () => session.run(feeds, { transferInputs: true });
      },
    },
    dispose: () => session.dispose(),
  };
}
