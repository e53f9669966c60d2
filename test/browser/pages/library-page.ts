// The library as a page uses it.
import {
  AdaptiveClassifier,
  Classifier,
  decodeImage,
  drawGaze,
  Embedder,
  type EngineOptions,
  encodeGaze,
  files,
  type PictureSource,
  Recogniser,
  TextEmbedder,
  ZeroShotClassifier,
} from "../../../src/web.ts";
import { expose, fetchBytes } from "./expose.ts";

const WASM = { device: "wasm" } as const;

const blobOf = async (path: string): Promise<Blob> => new Blob([await fetchBytes(path)]);

const labelled = (pictures: Readonly<Record<string, readonly string[]>>) =>
  Promise.all(
    Object.entries(pictures).flatMap(([label, paths]) =>
      paths.map(async (path) => ({ picture: await blobOf(path), label, name: path })),
    ),
  );

const api = {
  /** Loads a model, and names what is in a picture that the test put there. */
  async classify(model: string, path: string) {
    const progress = new Map<string, { received: number; total: number | undefined }>();
    await using classifier = await Classifier.load(model, {
      ...WASM,
      onProgress: ({ url, received, total }) => progress.set(new URL(url).pathname, { received, total }),
    });
    const picture: PictureSource = await blobOf(path);
    const { predictions, gaze } = await classifier.classify(picture, { explain: true });
    return {
      predictions,
      steps: gaze?.stages.length,
      progress: Object.fromEntries(progress),
      labels: classifier.labels?.length,
    };
  },
  /** Several pictures, one of which is none. */
  async classifyAll(model: string, paths: readonly string[]) {
    await using classifier = await Classifier.load(model, WASM);
    const answers: (string | undefined)[] = [];
    for await (const { answer, error } of classifier.classifyAll(paths))
      answers.push(error === undefined ? answer.predictions[0]?.label : error.code);
    return answers;
  },
  async embed(model: string, paths: readonly string[]) {
    await using embedder = await Embedder.load(model, WASM);
    const vectors = await embedder.embed(await Promise.all(paths.map(blobOf)));
    return { space: embedder.space.id, vectors: vectors.map((vector) => [...vector]) };
  },
  async adaptive(
    model: string,
    path: string,
    options: Pick<EngineOptions, "architecture" | "config">,
    threshold: number,
  ) {
    await using classifier = await AdaptiveClassifier.load(model, { ...WASM, ...options });
    const { predictions, steps, stopped } = await classifier.classify(await blobOf(path), { threshold });
    return { predictions, steps, stopped };
  },
  async texts(model: string, texts: readonly string[]) {
    const embedder = await TextEmbedder.load(model, WASM);
    const vectors = await embedder.embed(texts);
    await embedder.dispose();
    return vectors.map((vector) => [...vector]);
  },
  async zeroShot(pictures: string, textModel: string, path: string, labels: readonly string[]) {
    const classifier = await ZeroShotClassifier.load(pictures, { ...WASM, textModel });
    const { predictions } = await classifier.classify(await blobOf(path), labels);
    await classifier.dispose();
    return predictions;
  },
  /** Learns and saves; in the next call, perhaps after a reload, it is loaded, changed, saved and asked. */
  async learn(model: string, pictures: Readonly<Record<string, readonly string[]>>, folder: string) {
    await using recogniser = await Recogniser.learn(model, await labelled(pictures), { ...WASM, unknown: 0.05 });
    await recogniser.save(folder);
    return recogniser.labels;
  },
  async learnOn(
    folder: string,
    pictures: Readonly<Record<string, readonly string[]>>,
    forgotten: string,
    asked: string,
  ) {
    await using recogniser = await Recogniser.load(folder, WASM);
    const before = [...recogniser.labels];
    await recogniser.add(await labelled(pictures));
    await recogniser.forget(forgotten);
    await recogniser.save(folder);
    const { predictions } = await recogniser.classify(await blobOf(asked));
    await using classifier = await Classifier.load(folder, WASM);
    const asClassifier = await classifier.classify(await blobOf(asked));
    return { before, labels: recogniser.labels, predictions, asClassifier: asClassifier.predictions };
  },
  async stored(folder: string) {
    const entries = await files.list(folder);
    return Promise.all(
      entries.map(async ({ path, size }) => ({ name: path.slice(folder.length + 1), size, bytes: size })),
    );
  },
  /** Width and height of a drawing, and how many of its pixels are not the picture's. */
  async drawn(model: string, path: string) {
    await using classifier = await Classifier.load(model, WASM);
    const picture = await decodeImage(await blobOf(path));
    const { gaze } = await classifier.classify(picture, { explain: true });
    if (gaze === undefined) throw new Error("it does not look");
    const png = await decodeImage(await encodeGaze(picture, gaze, { headline: ["Überschrift 火"] }));
    const svg = new TextDecoder().decode(
      await encodeGaze(picture, gaze, { headline: ["Überschrift 火"], format: "svg" }),
    );
    const plain = drawGaze(picture, gaze, { headline: ["Überschrift 火"] });
    const differing = png.data.filter((value, i) => Math.abs(value - plain.data[i]!) > 8).length;
    return { png: [png.width, png.height], plain: [plain.width, plain.height], svg: svg.slice(0, 5), differing };
  },
};

export type LibraryApi = typeof api;

expose(api);
