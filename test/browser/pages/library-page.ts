// The library as a page uses it.
import { type CachedModel, Classifier, cachedModels, forgetModels, type PictureSource } from "../../../src/web.ts";
import { expose, fetchBytes } from "./expose.ts";

const api = {
  /** Loads a bundled model, and names what is in a picture that the test put there. */
  async classify(model: string, path: string) {
    const progress: { received: number; total: number | undefined }[] = [];
    await using classifier = await Classifier.load(model, {
      device: "wasm",
      onProgress: ({ received, total }) => progress.push({ received, total }),
    });
    const picture: PictureSource = new Blob([await fetchBytes(path)]);
    const { predictions, gaze } = await classifier.classify(picture, { explain: true });
    return { predictions, steps: gaze?.stages.length, progress: progress.at(-1), labels: classifier.labels?.length };
  },
  cached: (): Promise<CachedModel[]> => cachedModels(),
  forget: (): Promise<number> => forgetModels(),
};

export type LibraryApi = typeof api;

expose(api);
