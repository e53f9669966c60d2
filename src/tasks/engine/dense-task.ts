// What the tasks about places have in common: what they say of their model, where their views lie on a picture, and how they end.
import type { PictureSize } from "../../image/raw-image.ts";
import type { Transform, ViewToPicture } from "../../image/transform.ts";
import { viewsToPicture } from "../../image/views.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { SessionLayout } from "../../runtime/session-layout.ts";
import type { Engine } from "./engine.ts";

export class DenseTask {
  protected readonly engine: Engine;

  /** @param engine of a model that answers what the task asks: "detections" of a detector, "semantic" or "queries" of a segmenter */
  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** What the model says about itself. */
  get card(): ModelCard {
    return this.engine.model.card;
  }

  /** Class names by index. */
  get labels(): readonly string[] | undefined {
    return this.engine.labels;
  }

  /** What is done to pictures before the model sees them. */
  get transform(): Transform {
    return this.engine.transform;
  }

  get device(): ActualDevice {
    return this.engine.device;
  }

  /** Sessions side by side, and threads inside each. */
  get layout(): SessionLayout {
    return this.engine.layout;
  }

  /** Where its views lie on a picture of this size. */
  viewsOf(picture: PictureSize): ViewToPicture[] {
    const { transform, views } = this.engine;
    return viewsToPicture(transform, views, picture);
  }

  dispose(): Promise<void> {
    return this.engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
