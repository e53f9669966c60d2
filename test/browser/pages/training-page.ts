// Training in a page: on pictures that the test put there.
import {
  AbortedError,
  Classifier,
  exportOnnx,
  files,
  isResumable,
  type RecipeInput,
  type TrainingPicture,
  type TrainOptions,
  train,
} from "../../../src/web.ts";
import { expose, fetchBytes } from "./expose.ts";

export interface PictureRow {
  readonly label: string;
  readonly split: "train" | "validation";
}

export interface PageRun extends Pick<TrainOptions, "device" | "workers" | "epochs"> {
  readonly recipe: RecipeInput;
  readonly rows: readonly PictureRow[];
  /** A file of all pictures' pixels, RGB, or a folder with N.jpg. */
  readonly pixels?: { readonly path: string; readonly size: number };
  readonly folder?: string;
  readonly run: string;
  readonly resume?: boolean;
  /** Stop after this step. */
  readonly until?: number;
}

async function picturesOf({ rows, pixels, folder }: PageRun): Promise<TrainingPicture[]> {
  if (folder !== undefined)
    return rows.map((row, i) => ({ ...row, name: `${i}.jpg`, picture: () => fetchBytes(`${folder}/${i}.jpg`) }));
  const { path, size } = pixels!;
  const bytes = await fetchBytes(path);
  const one = 3 * size * size;
  return rows.map((row, i) => ({
    ...row,
    picture: { width: size, height: size, data: bytes.subarray(i * one, (i + 1) * one) },
  }));
}

const api = {
  async train(asked: PageRun) {
    const { recipe, run, resume = false, until, device = "wasm", workers } = asked;
    const losses: number[] = [];
    const notices: string[] = [];
    const scores: (number | undefined)[] = [];
    const stop = new AbortController();
    try {
      const result = await train(await picturesOf(asked), {
        recipe,
        folder: run,
        resume,
        device,
        threads: 1,
        ...(workers === undefined ? {} : { workers }),
        signal: stop.signal,
        onNotice: (line) => notices.push(line),
        // The mean of the steps since the last line of metrics.
        onStep: ({ step, loss }) => {
          losses.push(loss);
          if (step === until) stop.abort();
        },
        onEpoch: (_, __, evaluation) => scores.push(evaluation?.top1),
      });
      return { losses, scores, notices, problems: result.problems, stopped: false };
    } catch (error) {
      if (!(error instanceof AbortedError)) throw error;
      return { losses, scores, notices, problems: [], stopped: true };
    }
  },
  async read(path: string): Promise<number[]> {
    return [...(await files.read(path))];
  },
  text: async (path: string): Promise<string> => new TextDecoder().decode(await files.read(path)),
  resumable: isResumable,
  async digest(path: string): Promise<string> {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(await files.read(path))));
    return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  },
  /** What the trained model says of a picture, from its folder and from the file that is made of it. */
  async answers(model: string, picture: string) {
    const bytes = await fetchBytes(picture);
    await using fromFolder = await Classifier.load(model, { device: "wasm", threads: 1 });
    await using fromFile = await Classifier.load(await exportOnnx(model), { device: "wasm", threads: 1 });
    const [one, other] = [await fromFolder.classify(bytes), await fromFile.classify(bytes)];
    return { folder: one.predictions, file: other.predictions };
  },
};

export type TrainingApi = typeof api;

expose(api);
