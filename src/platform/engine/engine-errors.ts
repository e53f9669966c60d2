// ONNX Runtime's messages carry build paths, C++ signatures and status codes of its own. What is left after taking these away is the part a
// person can use.

/** The message of anything thrown, without the engine's noise. */
export function readableEngineError(error: unknown): string {
  const raw = error instanceof Error ? error.message : String(error);
  return raw
    .replaceAll(/failed to call \w+\(\)\. |Can't create a session\. /gi, "")
    .replaceAll(/\[?ERROR_CODE: \d+, ERROR_MESSAGE: /g, "")
    .replaceAll(/\[ONNXRuntimeError\] : \d+ : \w+ : /g, "")
    .replaceAll(
      /\S+\.(?:cc|h|hpp|cpp|cu):\d+ (?:[^\n]*? was false\. |(?:[\w:<>*&,~ ]+ )?[\w:~]+(?:::[\w~<>]+)*\([^\n]*?\)(?: const)? )?/g,
      "",
    )
    .replaceAll(/Non-zero status code returned while running (\w+) node\. ?/g, "the $1 node failed: ")
    .replaceAll(/Name: ?'([^']*)' ?Status Message: ?/g, (_, name: string) => (name === "" ? "" : `${name}: `))
    .replaceAll(/ ?Please fix either the inputs\/outputs or the model\.?/g, "")
    .replaceAll(/Unsupported data type: 16\b/gi, "bfloat16 inputs and outputs are not supported")
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
}
