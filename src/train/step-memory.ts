// The memory that a training step takes at most, known from its graph before it runs.
import { measureActivations } from "../graph/activations.ts";
import { elementCount } from "../tensor.ts";
import { readTensors } from "./host-work.ts";
import type { TrainStep } from "./step.ts";

/**
 * ONNX Runtime's arena takes whole powers of two and has its own order of execution. Measured over what is alive: 2.5 times for the everyday
 * recipe with batches of 64 and of 256 (709 and 2120 MB), 1.9 times for SparseFormer-T at 224 px with batches of 8 (3.2 GB).
 */
const ENGINE_SHARE = 2.6;

/**
 * A bound of the bytes that a step takes, pictures in the loader's cache apart: the state (parameters, what the optimiser keeps of them, their
 * averages) and the next state, one gradient a parameter, the batch with all that the backward pass reads of the forward pass, and what an
 * engine adds to that.
 */
export function stepMemory({ graph, state, hostWork }: TrainStep): number {
  const bytesOf = (roles: readonly string[]) =>
    state.reduce((sum, { role, shape }) => sum + (roles.includes(role) ? 4 * elementCount(shape) : 0), 0);
  const kept = bytesOf(["parameter", "buffer", "auxiliary", "copy", "optimizer", "ema", "accumulator"]);
  const gradients = bytesOf(["parameter", "auxiliary"]);
  const backward = ["loss", "gradient_norm"].map((name) => graph.outputs.get(name)!);
  const alive = 2 * kept + gradients + measureActivations(graph, new Map(), backward).peakBytes;
  // An engine keeps what a model's run took, for its next run.
  const reads = readTensors({ graph, hostWork });
  const forward = reads.length === 0 ? 0 : measureActivations(graph, new Map(), reads).peakBytes;
  return ENGINE_SHARE * (alive + forward);
}
