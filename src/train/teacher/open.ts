// A teacher is a picture model that gives features: a student learns from nothing else of it, because its classes are not the student's.
import { FormatError } from "../../errors.ts";
import { withAnyBatch } from "../../runtime/fixed-batch.ts";
import type { Session, SessionOptions } from "../../runtime/session.ts";

/** @throws FormatError for a model without an output named features */
export function requireFeatures(outputs: readonly string[], name: string): void {
  if (outputs.includes("features")) return;
  throw new FormatError(name, `this model has no output named features, and a student learns from nothing else`, {
    hint: `its outputs are ${outputs.slice(0, 8).join(", ")}; export the teacher with its pooled features, (N, width), as an output`,
    data: { outputs },
  });
}

/**
 * Opens a teacher and looks whether it is one.
 *
 * @param bytes ONNX bytes of a picture model with an output `features` (N, width)
 * @throws FormatError without that output
 */
export async function openTeacher(
  bytes: Uint8Array,
  name: string,
  createSession: (model: Uint8Array, options: SessionOptions) => Promise<Session>,
): Promise<Session> {
  const session = withAnyBatch(await createSession(bytes, {}));
  try {
    requireFeatures(
      session.outputs.map((output) => output.name),
      name,
    );
    return session;
  } catch (error) {
    await session.dispose();
    throw error;
  }
}
