// What was found on pictures as one COCO document, written as it comes: annotations first, then what they refer to.
import { type CocoFinding, cocoAnnotation, cocoCategory } from "../boxes/coco.ts";
import type { PictureSize } from "../image/raw-image.ts";

export class CocoOutput {
  readonly #write: (text: string) => void;
  readonly #images: string[] = [];
  readonly #categories = new Map<number, string>();
  #annotations = 0;

  /** @param info about the run: model, kind; `labels` of the classes, where the model has them */
  constructor(
    write: (text: string) => void,
    info: Readonly<Record<string, string>>,
    labels: readonly string[] | undefined,
  ) {
    this.#write = write;
    labels?.forEach((label, index) => {
      this.#categories.set(index, label);
    });
    write(`{"info":${JSON.stringify(info)},\n"annotations":[`);
  }

  /** @param more about the picture: where its drawing is */
  add(
    name: string,
    { width, height }: PictureSize,
    found: readonly CocoFinding[],
    more: Readonly<Record<string, string>> = {},
  ): void {
    const image = { id: this.#images.length + 1, file_name: name, width, height, ...more };
    this.#images.push(JSON.stringify(image));
    for (const finding of found) {
      this.#categories.set(finding.index, finding.label);
      const annotation = cocoAnnotation(this.#annotations + 1, image.id, finding);
      this.#write(`${this.#annotations === 0 ? "" : ","}\n${JSON.stringify(annotation)}`);
      this.#annotations++;
    }
  }

  end(): void {
    const categories = [...this.#categories]
      .sort(([a], [b]) => a - b)
      .map(([index, label]) => cocoCategory(index, label));
    this.#write(
      `],\n"images":[${this.#images.map((image) => `\n${image}`).join(",")}],\n"categories":${JSON.stringify(categories)}}\n`,
    );
  }
}
