// What is done with the rows of a shard. jobs/ knows no models: whoever opens a plan brings a task.
import type { BlobLike } from "../byte-sources.ts";
import type { SaccadeError } from "../errors.ts";
import type { PlannedRow } from "./manifest.ts";
import type { PartShape, PartValue } from "./part.ts";

/** A row with what can be read of it. */
export interface ShardPicture {
  readonly row: PlannedRow;
  /** The picture's file, which is read when its turn comes. */
  readonly picture: BlobLike;
}

export type RowOutcome =
  | { readonly values: Readonly<Record<string, PartValue>>; readonly error?: undefined }
  | { readonly error: SaccadeError };

export interface RunRows {
  readonly signal?: AbortSignal;
  /** A sign of life, for tasks whose rows take long. */
  readonly onProgress: () => void;
}

export interface ShardTask extends AsyncDisposable {
  readonly shape: PartShape;
  /** Where it computes. */
  readonly device: string;
  /** One outcome a row, in their order, the same whoever runs it and however often. What it throws is the attempt's failure, not a row's. */
  run(rows: readonly ShardPicture[], options: RunRows): AsyncIterable<RowOutcome>;
}
