// Pictures without labels among those with labels: each batch has rows of both, so that a teacher teaches about both in one step.
import { createDataset, type Dataset } from "../data/dataset.ts";
import type { Batch, BatchesOptions, Loader } from "../data/loader.ts";
import type { BatchPosition } from "../data/sampler.ts";
import { type TensorData, tensor } from "../tensor.ts";

/** How many rows of a batch are without labels: their share of all pictures, and at least one row of each kind. */
export function unlabelledRows(batch: number, labelled: number, unlabelled: number): number {
  return Math.min(batch - 1, Math.max(1, Math.round((batch * unlabelled) / (labelled + unlabelled))));
}

/** The same pictures with targets (classes) that are all zero: nothing is learnt from what they are called. */
export function withoutTargets(pictures: Dataset, labels: readonly string[]): Dataset {
  const nothing = new Float32Array(labels.length);
  return createDataset({
    labels,
    targets: new Int32Array(pictures.length),
    problems: pictures.problems,
    origin: "without labels",
    name: (index) => pictures.name(index),
    picture: async (index) => (await pictures.item(index)).picture,
    softLabel: () => nothing,
  });
}

/**
 * A loader whose batches have the rows of both, labelled ones first. Its epochs are those of `labelled`; `unlabelled` goes on from where it was, in
 * epochs of its own. Which rows come together depends on the place in training alone. Disposing of it disposes of both.
 */
export function withUnlabelled(labelled: Loader, unlabelled: Loader): Loader {
  async function* batches(options: BatchesOptions = {}): AsyncIterableIterator<Batch> {
    const from = options.from ?? { epoch: 0, index: 0 };
    const before = from.epoch * labelled.batchesPerEpoch + from.index;
    const others = unlabelled.batches({
      from: placeOf(before, unlabelled.batchesPerEpoch),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    try {
      for await (const batch of labelled.batches(options)) {
        const next = await others.next();
        if (next.done === true) return;
        yield joined(batch, next.value);
      }
    } finally {
      await others.return?.();
    }
  }
  const dispose = async () => {
    await Promise.all([labelled.dispose(), unlabelled.dispose()]);
  };
  return {
    batches,
    batchesPerEpoch: labelled.batchesPerEpoch,
    get problems() {
      return [...labelled.problems, ...unlabelled.problems];
    },
    takeStatistics: () => labelled.takeStatistics(),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

function placeOf(batch: number, batchesPerEpoch: number): BatchPosition {
  return { epoch: Math.floor(batch / batchesPerEpoch), index: batch % batchesPerEpoch };
}

function joined(first: Batch, second: Batch): Batch {
  const unnamed = new Int32Array(second.labels.length).fill(-1);
  return {
    ...first,
    images: stacked(first.images, second.images),
    targets: stacked(first.targets, second.targets),
    labels: Int32Array.of(...first.labels, ...unnamed),
    items: Int32Array.of(...first.items, ...unnamed),
    names: [...first.names, ...second.names],
    count: first.count + second.count,
  };
}

/** (N, …) and (M, …) to (N + M, …). */
function stacked(first: TensorData<"float32">, second: TensorData<"float32">): TensorData<"float32"> {
  const data = new Float32Array(first.data.length + second.data.length);
  data.set(first.data);
  data.set(second.data, first.data.length);
  return tensor("float32", [first.shape[0]! + second.shape[0]!, ...first.shape.slice(1)], data);
}
