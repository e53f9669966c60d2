// What only models of pictures and clips have. Whoever needs it asks here, and a model of texts is refused in the same words everywhere.
import { UsageError } from "../errors.ts";
import type { ImageInput } from "./architecture.ts";
import type { ModelDefinition } from "./registry.ts";

/** Throws UsageError for a model of texts. */
export function pictureInput(definition: ModelDefinition): ImageInput {
  const input = definition.architecture.input(definition.config);
  if (input.kind === "text") throw noPictures(definition);
  return input;
}

/** What the architecture does to pictures where nobody says otherwise. Throws UsageError for a model of texts. */
export function usualTransform(definition: ModelDefinition): string {
  const { architecture, config } = definition;
  const transform = architecture.transform?.(config);
  if (transform === undefined) throw noPictures(definition);
  return transform;
}

function noPictures({ architecture, registered }: ModelDefinition): UsageError {
  return new UsageError(
    `${registered?.name ?? architecture.name} is a text model, and pictures are wanted here`,
    "it goes with a model of pictures: saccade classify photo.jpg --model PICTURES --text-model TEXTS --as 'a sheep, a boat'",
  );
}
