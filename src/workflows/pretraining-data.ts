// What pre-training reads: pictures of which nobody says what they are, and with a probe some of which it is known.
import type { OpenedData } from "../data/open.ts";
import { openDataset } from "../data/open.ts";
import { openUnlabelled } from "../data/unlabelled.ts";
import { UsageError } from "../errors.ts";
import type { TrainingHost } from "../platform/host.ts";
import type { Recipe } from "../train/recipe-fields.ts";
import type { RunInputs } from "../train/run-inputs.ts";
import type { ProbeData } from "../train/train-run.ts";

/** Pictures in a folder and all folders in it, or in a list, as data of no classes. Throws what `openUnlabelled` throws. */
export async function openWithoutLabels({ dataFiles }: TrainingHost, path: string): Promise<OpenedData> {
  const train = await openUnlabelled(dataFiles, path);
  const { problems } = train;
  return {
    train,
    labels: [],
    emptyClasses: [],
    layout: "pictures without labels",
    notes: [],
    summary: [
      `${path}: ${train.length} pictures without labels`,
      ...(problems.length > 0 ? [`left out: ${problems.length} (${problems[0]!.name}: ${problems[0]!.reason})`] : []),
    ],
  };
}

/** Between two probes: an epoch of a pool takes far longer than a probe of a few thousand pictures. */
export const USUAL_PROBE_EPOCHS = 5;

/**
 * The labelled pictures of a run's probe.
 *
 * @throws UsageError for pictures that leave none to try a classifier on, or are of one class; what `openDataset` throws
 */
export async function openProbe(
  { dataFiles }: TrainingHost,
  { probe }: RunInputs,
  { seed }: Recipe,
  onNotice?: (line: string) => void,
): Promise<ProbeData | undefined> {
  if (probe === undefined) return undefined;
  const { train: fitted, validation: tried } = await openDataset(dataFiles, probe.data, { seed });
  if (fitted === undefined || tried === undefined || tried.length === 0 || new Set(fitted.targets).size < 2)
    throw new UsageError(
      `${probe.data} does not do for a probe: a classifier is fitted to some of its pictures and tried on others`,
      "give pictures of two classes or more, several of each",
    );
  onNotice?.(`probe: fitted to ${fitted.length} pictures of ${fitted.labels.length} classes, tried on ${tried.length}`);
  return {
    fitted,
    tried,
    every: probe.every ?? USUAL_PROBE_EPOCHS,
    ...(probe.layer === undefined ? {} : { layer: probe.layer }),
  };
}
