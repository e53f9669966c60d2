// A tensor of a pickle, however its file keeps it: PyTorch's storages (torch-tensor.ts) or NumPy's arrays (numpy-pickle.ts).
import type { DType, TensorData } from "../tensor.ts";
import { PickleExtension } from "./pickle-values.ts";

export abstract class FileTensor extends PickleExtension {
  readonly kind = "tensor";
  abstract readonly dtype: DType;
  abstract readonly shape: readonly number[];

  /** The elements, row-major: a view of the file where they lie there so, else a copy, made once. */
  abstract read(): TensorData;

  /** What its elements are, where nothing here reads such; then it has no `read`. */
  get unread(): string | undefined {
    return undefined;
  }
}
