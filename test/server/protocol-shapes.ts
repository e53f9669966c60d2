// The shapes of the Open Inference Protocol's REST document (kserve/open-inference-protocol, specification/protocol/open_inference_rest.yaml), and those of
// Triton's extensions for statistics and the repository: what answers must have, and of which kind.
import { z } from "zod";

const parameters = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const DATATYPES = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "FP32",
  "FP64",
  "BYTES",
];
const datatype = z.enum(DATATYPES);
const tensorData: z.ZodType = z.lazy(() => z.array(z.union([tensorData, z.number(), z.string(), z.boolean()])));

const metadataTensor = z.looseObject({ name: z.string(), datatype, shape: z.array(z.int()) });

export const metadataServerResponse = z.looseObject({
  name: z.string(),
  version: z.string(),
  extensions: z.array(z.string()),
});

export const metadataModelResponse = z.looseObject({
  name: z.string(),
  versions: z.array(z.string()).optional(),
  platform: z.string(),
  inputs: z.array(metadataTensor).optional(),
  outputs: z.array(metadataTensor).optional(),
});

export const inferenceRequest = z.looseObject({
  id: z.string().optional(),
  parameters: parameters.optional(),
  inputs: z.array(
    z.looseObject({
      name: z.string(),
      shape: z.array(z.int()),
      datatype,
      parameters: parameters.optional(),
      data: tensorData,
    }),
  ),
  outputs: z.array(z.looseObject({ name: z.string(), parameters: parameters.optional() })).optional(),
});

export const inferenceResponse = z.looseObject({
  model_name: z.string(),
  model_version: z.string().optional(),
  id: z.string().optional(),
  parameters: parameters.optional(),
  outputs: z.array(
    z.looseObject({
      name: z.string(),
      shape: z.array(z.int()),
      datatype,
      parameters: parameters.optional(),
      data: tensorData,
    }),
  ),
});

export const errorResponse = z.strictObject({ error: z.string() });

const duration = z.strictObject({ count: z.int().min(0), ns: z.int().min(0) });
const computed = { compute_input: duration, compute_infer: duration, compute_output: duration };

export const statisticsResponse = z.strictObject({
  model_stats: z.array(
    z.looseObject({
      name: z.string(),
      version: z.string(),
      last_inference: z.int(),
      inference_count: z.int(),
      execution_count: z.int(),
      inference_stats: z.looseObject({ success: duration, fail: duration, queue: duration, ...computed }),
      batch_stats: z.array(z.looseObject({ batch_size: z.int().min(1), ...computed })),
    }),
  ),
});

export const repositoryIndexResponse = z.array(
  z.strictObject({
    name: z.string(),
    version: z.string().optional(),
    state: z.enum(["READY", "UNAVAILABLE", "LOADING", "UNLOADING"]),
    reason: z.string().optional(),
  }),
);
