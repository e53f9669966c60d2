// The bundled model's third stage, on everyday's data: the grown model sees the same pictures enlarged by half. Its looks cost the same; only the
// stem works on more cells, which its tokens then sample more finely.
// Cost: 9 epochs of 5 to 9 minutes on one of two cores that were shared with other work (50 to 90 pictures a second alone).
// Result with MobileNetV2 as the teacher: 63.8 % top-1, 87.8 % top-5 on the validation pictures at 112 px (62.4 % at 96); the early answer 61.1 %.
// 74.9 % of the training pictures. The best epoch, the sixth, had 63.9 %; the fourth stage, `everyday-longer`, goes on from the last one.
import type { RecipeInput } from "../train/recipe-fields.ts";
import { everydayGrown } from "./everyday-grown.ts";

export const everydayLarger: RecipeInput = {
  ...everydayGrown,
  name: "everyday-larger",
  summary: "goes on from everyday-grown with pictures enlarged by half",
  height: 96,
  width: 96,
  augmentation: "random_resized_crop(96,0.35:1)|flip(0.5)|color_jitter(0.2,0.2,0.2)|normalize(imagenet)",
  transform: "resize_small(112,bicubic)|central_crop(112)|normalize(imagenet)",
  epochs: 9,
  mix_probability: 0.25,
  distillation: { weight: 0.7, temperature: 2, transform: "resize(224,224,bicubic)|normalize(inception)" },
};
