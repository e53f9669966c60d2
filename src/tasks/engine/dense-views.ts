// How pictures are shown to models that answer about places: all of a picture, whatever its preprocessing crops.
import { parseTransform } from "../../image/transform.ts";
import type { Views } from "../../image/views.ts";
import { answersOfModel } from "../../model-folder/compile.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import type { Answers } from "../../models/answers.ts";
import type { Host } from "../../platform/host.ts";
import { Engine, type EngineOptions, loadedModel, type ModelSource } from "./engine.ts";
import { wrongTask } from "./wrong-task.ts";

/** What engines of dense models take: what scores are is their contract (models/answers.ts). */
export type DenseOptions = Omit<EngineOptions, "scores">;

/**
 * Opens an engine for a model that answers in one of these ways.
 *
 * @param whenCropped by answer, how pictures are shown where the preprocessing would crop them and the caller does not say
 * @throws UsageError for a model that answers something else
 */
export async function openDense(
  host: Host,
  source: ModelSource,
  options: DenseOptions,
  whenCropped: { readonly [A in Answers]?: Views },
): Promise<Engine> {
  const model = await loadedModel(host, source, options);
  const answers = answersOfModel(model);
  const whole = whenCropped[answers];
  if (whole === undefined) throw wrongTask(model.card.name, answers);
  const views = options.views ?? (crops(model, options) ? whole : "center");
  return Engine.open(host, model, { ...options, views });
}

/** Files that do not say how they want pictures are given the middle of them. */
function crops({ card }: LoadedModel, { transform = card.transform }: DenseOptions): boolean {
  return transform === undefined || parseTransform(transform).some(({ op }) => op === "central_crop" || op === "crop");
}
