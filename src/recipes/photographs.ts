// What makes saccade/photographs, its first stage: saccade/everyday, which is made from pictures of 64 x 64, gets two more units and goes on with
// real photographs, those pictures and photographs without labels. The teacher answers for every view, and its features are learnt as well as its
// answers. The data is a list that bench/photographs-list.ts writes: 6,994 photographs, three times in an epoch, and 22,050 pictures of everyday.
//
//   saccade train photographs.csv --recipe photographs --teacher mobilenet_v2_imagenet.onnx --unlabelled unlabelled.csv
//
// Cost: 80 minutes with one thread on a machine that was shared with other work (40 to 46 pictures a second), ten of them for the teacher's
// classifier. Result: 60.0, 64.5, 66.8 and 68.1 % top-1 on both validation sets together after the four epochs; photographs-longer goes on from there.
import type { RecipeInput } from "../train/recipe-fields.ts";
import { everydayLonger } from "./everyday-longer.ts";
import { WITH_TWO_MORE_UNITS } from "./small-sparseformer.ts";

export const photographs: RecipeInput = {
  ...everydayLonger,
  name: "photographs",
  summary: "goes on from saccade/everyday with real photographs and a teacher's features",
  from: "saccade/everyday",
  grow: WITH_TWO_MORE_UNITS,
  height: 112,
  width: 112,
  augmentation: "random_resized_crop(112,0.35:1)|flip(0.5)|color_jitter(0.3,0.3,0.3)|normalize(imagenet)",
  transform: "resize_small(128,bicubic)|central_crop(128)|normalize(imagenet)",
  epochs: 4,
  learning_rate: 1e-3,
  warmup_epochs: 0.2,
  mix_probability: 0.25,
  distillation: {
    weight: 0.7,
    temperature: 1,
    sees: "view",
    features: 0.5,
    // Two thirds of the size that the teacher was made for: half of its cost, and a view of 112 px has no more to see.
    transform: "resize(160,160,bicubic)|normalize(inception)",
  },
};
