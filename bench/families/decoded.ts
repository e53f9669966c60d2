// Pictures decoded once and kept, so that no model's time is spent on what is the same for all.
import { createDataset, type Dataset } from "../../src/data/dataset.ts";
import { loadPicture, mapLimited } from "../../src/data/files.ts";
import { nodeTrainingHost } from "../../src/platform/node/training-host.ts";

const PARALLEL = 8;

export async function decoded(dataset: Dataset): Promise<Dataset> {
  const { dataFiles, decode } = nodeTrainingHost;
  const { labels, targets, name } = dataset;
  const images = await mapLimited([...targets.keys()], PARALLEL, async (index) =>
    loadPicture((await dataset.item(index)).picture, dataFiles, decode),
  );
  return createDataset({
    labels,
    targets,
    name,
    origin: "in memory",
    picture: (index) => ({ kind: "pixels", image: images[index]! }),
  });
}
