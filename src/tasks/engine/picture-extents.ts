// Where pictures end in what a model sees of them: with the picture at the top left of its view, the rest is padding, and models that can be told so are.
import type { PictureSize } from "../../image/raw-image.ts";
import { parseTransform, type Transform, type ViewToPicture } from "../../image/transform.ts";
import type { PictureViews } from "../../image/view.ts";
import { type FeatureViews, viewsToPicture } from "../../image/views.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import { usualTransform } from "../../models/picture-input.ts";

/** Whether a model can be told of padding, and its pictures are where it would be told it. @param asked instead of the model's own transform */
export function isToldExtents(model: LoadedModel, asked: string | undefined): boolean {
  if (model.kind !== "native" || model.definition.architecture.seesPadding !== true) return false;
  const transform = parseTransform(asked ?? model.card.transform ?? usualTransform(model.definition));
  return transform.some((step) => step.op === "letterbox" && step.place === "top_left");
}

/** Views with how much of each is picture. */
export function withExtents(shown: PictureViews, transform: Transform, views: FeatureViews): PictureViews {
  const places = viewsToPicture(transform, views, { width: shown[0].width, height: shown[0].height });
  const [first, ...others] = shown.map((view, i) => ({ ...view, extent: extentInView(places[i]!, view.pixels) }));
  return [first!, ...others];
}

/** How much of a view is picture, from the top left, pixels; all of it where the picture begins elsewhere. */
export function extentInView({ scaleX, scaleY, offsetX, offsetY }: ViewToPicture, view: PictureSize): PictureSize {
  if (offsetX !== 0 || offsetY !== 0) return { width: view.width, height: view.height };
  const along = (scale: number, side: number) => Math.min(side, Math.max(1, Math.round(side / scale)));
  return { width: along(scaleX, view.width), height: along(scaleY, view.height) };
}
