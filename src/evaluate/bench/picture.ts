// A picture that compresses about as photographs do: soft shapes of different sizes under a little noise, the same for the same seed.
import type { RawImage } from "../../image/raw-image.ts";
import { RandomSource } from "../../random.ts";

const WAVES = 12;
/** Grain, in steps of 255. */
const NOISE = 8;

export function syntheticPicture(width: number, height: number, seed: number): RawImage {
  const random = new RandomSource(seed, `bench/picture/${width}x${height}`);
  const data = new Uint8Array(3 * width * height);
  // Sums of one wave along x and one along y a channel and frequency: photographs have more of the low frequencies.
  const wave = (size: number) => {
    const sum = new Float32Array(size);
    for (let frequency = 1; frequency <= WAVES; frequency++) {
      const phase = random.between(0, 2 * Math.PI);
      const strength = random.between(0, 90) / frequency;
      for (let i = 0; i < size; i++) sum[i]! += strength * Math.sin((2 * Math.PI * frequency * i) / size + phase);
    }
    return sum;
  };
  const columns = [wave(width), wave(width), wave(width)];
  const rows = [wave(height), wave(height), wave(height)];
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const grain = ((random.next() & 255) / 255 - 0.5) * NOISE;
      for (let channel = 0; channel < 3; channel++, at++)
        data[at] = Math.min(255, Math.max(0, 128 + columns[channel]![x]! + rows[channel]![y]! + grain));
    }
  return { width, height, data };
}
