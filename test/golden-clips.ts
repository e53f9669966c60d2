// Golden cases of videos whose frames are pictures side by side: the input that their JSON describes, and models' clips made of it.
import { elementCount, type TensorData, tensor } from "../src/tensor.ts";
import { type GoldenCase, type GoldenInput, hashedValues, makeInput } from "./golden-case.ts";

/** (clips * frames, 3, H, W): waves, and noise where the case says so. `shape` in place of the case's own. */
export function goldenFrames(golden: GoldenCase, shape?: readonly number[]): TensorData<"float32"> {
  const input = golden.json.input as GoldenInput & { readonly plus?: string };
  const waves = makeInput({ ...input, shape: [...(shape ?? input.shape)] }, 0);
  if (input.plus === undefined) return waves;
  const [, name = "", scale = ""] = /named "(\w+)".* scale ([\d.]+)/.exec(input.plus) ?? [];
  const salt = (golden.json.salt ?? 0) as number;
  const noise = hashedValues(name, elementCount(waves.shape), Number(scale), 0, salt);
  return tensor(
    "float32",
    waves.shape,
    waves.data.map((value, i) => Math.fround(value + noise[i]!)),
  );
}

/** (clips * frames, 3, H, W) -> (clips, 3, frames, H, W) */
export function clipsOf(images: TensorData<"float32">, count: number): TensorData<"float32"> {
  const [batch, channels, height, width] = images.shape as [number, number, number, number];
  const clips = batch / count;
  const plane = height * width;
  const out = new Float32Array(images.data.length);
  for (let clip = 0; clip < clips; clip++)
    for (let channel = 0; channel < channels; channel++)
      for (let frame = 0; frame < count; frame++) {
        const from = ((clip * count + frame) * channels + channel) * plane;
        out.set(images.data.subarray(from, from + plane), ((clip * channels + channel) * count + frame) * plane);
      }
  return tensor("float32", [clips, channels, count, height, width], out);
}
