// What each recipe is for, what data it wants and what it costs.
import type { RecipeInput } from "../train/recipe-fields.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";
import { adaptivennLargeScenes } from "./adaptivenn-large-scenes.ts";
import { clothing } from "./clothing.ts";
import {
  fcosScenes,
  retinanetBvrScenes,
  retinanetCoco,
  retinanetPconvScenes,
  retinanetScenes,
  retinanetSepcScenes,
} from "./dense-heads.ts";
import { dtopScenes } from "./dtop-scenes.ts";
import { everyday } from "./everyday.ts";
import { everydayFull } from "./everyday-full.ts";
import { everydayGrown } from "./everyday-grown.ts";
import { everydayLarger } from "./everyday-larger.ts";
import { everydayLonger } from "./everyday-longer.ts";
import { dynamicvit, evit, iaRed2, longerVit, smallVit } from "./fewer-tokens.ts";
import { fineTune } from "./fine-tune.ts";
import { gfnetRecipes } from "./gfnet.ts";
import {
  gfnetLargeScenes,
  largeScenesBackbone,
  largeScenesBackboneHalf,
  largeScenesEncoder,
} from "./gfnet-large-scenes.ts";
import { gfnetScenes, scenesBackbone, scenesEncoder } from "./gfnet-scenes.ts";
import { sparseformerKinetics } from "./kinetics.ts";
import { lightweightRecipe } from "./lightweight.ts";
import { ecoM2fScenes, mask2formerScenes } from "./mask2former.ts";
import { motion, motionFrames, motionGfnet, motionTsm } from "./motion.ts";
import { dynamicvitDeitSmall, evitDeitSmall } from "./official-tokens.ts";
import { paratranscnnScenes } from "./paratranscnn-scenes.ts";
import { photographs } from "./photographs.ts";
import { photographsFull } from "./photographs-full.ts";
import { photographsLonger } from "./photographs-longer.ts";
import { photographsOpen } from "./photographs-open.ts";
import { plainDetrAbsoluteRecipe, plainDetrRecipe, plainDetrSwinv2Small } from "./plain-detr.ts";
import { reflections, rotation, spark, sparkResnet50 } from "./pretraining.ts";
import { sparseDetectorRecipe } from "./sparse-detector.ts";
import { sparseformerTinyImagenet } from "./sparseformer-tiny-imagenet.ts";
import { terminatorDigitsRecipe, terminatorRecipe } from "./terminator.ts";
import { uniAdafocusRecipes } from "./uni-adafocus.ts";

/** start: for one's own pictures. pretraining: on pictures without labels. bundled: what made the bundled model. scenes: the experiments of docs/glance-and-focus.md. dense: what says where things are, docs/dense.md. tokens: plain ViTs that go on with fewer tokens. official: of the papers. */
export type RecipeGroup = "start" | "pretraining" | "bundled" | "scenes" | "dense" | "tokens" | "official";

export interface RecipeEntry {
  readonly recipe: RecipeInput | StagedRecipeInput;
  readonly group: RecipeGroup;
  /** What data it is meant for. */
  readonly data: string;
  /** What it took where it was run, or what it would take. */
  readonly cost: string;
}

const OWN = "a folder of class folders, from ten pictures a class";
const EVERYDAY = "22,050 pictures of 64 px in 49 classes";
const IMAGENET = "ImageNet-1k, 1.28 million pictures";
const KINETICS = "Kinetics-400, about 240,000 videos of ten seconds; begins with weights for ImageNet";
const SOMETHING = "Something-Something V2, 169,000 videos; begins with networks trained on ImageNet";
const SCENES = "made by saccade scenes, 192 px";
const PHOTOGRAPHS = `6,994 photographs and ${EVERYDAY}`;
const LARGE_SCENES = "made by saccade scenes, 448 px";
const THINGS = "made by saccade scenes --annotations coco, 128 px";
const CLIPS = "made by saccade motion, 32 px";
const GARMENTS = "a few thousand pictures, looked at at 64 px";
const AFTER_VIT = `${GARMENTS}; begins with small-vit's model`;
const NOT_TO_END = "it was not run to its end";
const SEE_DOCS = "see docs/glance-and-focus.md";
const NOT_RUN = "several data-centre GPUs; it was not run here";

const entry = (
  group: RecipeGroup,
  recipe: RecipeInput | StagedRecipeInput,
  data: string,
  cost: string,
): RecipeEntry => ({ group, recipe, data, cost });

export const CATALOGUE: readonly RecipeEntry[] = [
  entry("start", fineTune, OWN, "12 epochs; 36 pictures take a minute on one core, 3,000 eleven"),
  entry(
    "start",
    clothing,
    "a few thousand pictures; made for ten garments",
    "12 epochs of 3,068 pictures: 11 minutes on one core",
  ),
  entry("start", everyday, "tens of thousands of small pictures", `24 epochs of ${EVERYDAY}: an hour on two cores`),
  entry("pretraining", rotation, "thousands of pictures without labels", "see docs/pretraining.md"),
  entry("pretraining", spark, "thousands of pictures without labels", "see docs/pretraining.md"),
  entry("pretraining", reflections, "thousands of pictures without labels", "see docs/dense.md"),
  entry(
    "start",
    lightweightRecipe,
    "digits and other small grey pictures",
    "60 epochs of 7,000 digits: seven minutes on one core",
  ),
  entry(
    "start",
    terminatorDigitsRecipe,
    "digits and other small pictures",
    "10 epochs of 7,000 digits: half an hour on one core",
  ),
  entry("bundled", photographsFull, PHOTOGRAPHS, "three hours on one core, with a teacher"),
  entry("bundled", photographs, PHOTOGRAPHS, "80 minutes on one core, with a teacher"),
  entry("bundled", photographsLonger, `${PHOTOGRAPHS}; begins with photographs's model`, "97 minutes on one core"),
  entry("bundled", photographsOpen, "2,395 photographs of 35 classes with open terms", "half an hour on one core"),
  entry("bundled", everydayFull, EVERYDAY, "four hours on two cores, with a teacher"),
  entry("bundled", everydayGrown, `${EVERYDAY}; begins with everyday's model`, "an hour on two cores"),
  entry("bundled", everydayLarger, `${EVERYDAY}; begins with everyday-grown's model`, "an hour on one core"),
  entry(
    "bundled",
    everydayLonger,
    `${EVERYDAY}; begins with everyday-larger's model`,
    "an hour and a half on two cores",
  ),
  entry("scenes", gfnetScenes, SCENES, "9 epochs of half a minute to a minute on one core"),
  entry("scenes", scenesEncoder, `${SCENES}: the patches`, SEE_DOCS),
  entry("scenes", scenesBackbone, SCENES, "2 epochs of three minutes on one core"),
  entry("scenes", gfnetLargeScenes, LARGE_SCENES, "45 minutes on one core"),
  entry("scenes", adaptivennLargeScenes, `${LARGE_SCENES}; begins with large-scenes-encoder's model`, NOT_TO_END),
  entry("scenes", largeScenesEncoder, `${LARGE_SCENES}: the patches`, SEE_DOCS),
  entry("scenes", largeScenesBackbone, LARGE_SCENES, SEE_DOCS),
  entry("scenes", largeScenesBackboneHalf, LARGE_SCENES, SEE_DOCS),
  entry("scenes", motion, CLIPS, "18 epochs of 2,400 clips: seven minutes on one core"),
  entry("scenes", motionFrames, CLIPS, "half a minute on one core"),
  entry("scenes", motionTsm, CLIPS, "see docs/video.md"),
  entry("scenes", motionGfnet, `${CLIPS}; begins with motion-tsm's model`, "ten minutes on one core"),
  entry("dense", retinanetScenes, THINGS, "6 epochs of 3,000 scenes: about five minutes on one core"),
  entry("dense", fcosScenes, THINGS, "see docs/dense.md"),
  entry("dense", retinanetPconvScenes, THINGS, "see docs/dense.md"),
  entry("dense", retinanetSepcScenes, THINGS, "see docs/dense.md"),
  entry("dense", retinanetBvrScenes, THINGS, "see docs/dense.md"),
  entry("dense", plainDetrRecipe, THINGS, "see docs/dense.md"),
  entry("dense", plainDetrAbsoluteRecipe, THINGS, "see docs/dense.md"),
  entry("dense", sparseDetectorRecipe, THINGS, "see docs/dense.md"),
  entry(
    "dense",
    mask2formerScenes,
    "the same with outlines (--shapes)",
    "20 minutes an epoch of 3,000 scenes on a busy core; it was not run to its end",
  ),
  entry("dense", ecoM2fScenes, "the same with outlines (--shapes)", "the same, and a few minutes for the gate"),
  entry("dense", paratranscnnScenes, "made by saccade scenes --annotations masks, 64 px", "see docs/dense.md"),
  entry("dense", dtopScenes, "made by saccade scenes --annotations masks, 64 px", "see docs/tokens.md"),
  entry("tokens", smallVit, GARMENTS, "24 epochs of 3,068 pictures; it was not run to its end"),
  entry("tokens", longerVit, AFTER_VIT, "3 epochs of 3,068 pictures: some two minutes on one core"),
  entry("tokens", dynamicvit, AFTER_VIT, "3 epochs of 3,068 pictures: some four minutes on one core"),
  entry("tokens", evit, AFTER_VIT, "3 epochs of 3,068 pictures: some three minutes on one core"),
  entry("tokens", iaRed2, AFTER_VIT, "12 epochs of 3,068 pictures: some eight minutes on one core"),
  entry("official", dynamicvitDeitSmall, `${IMAGENET}; begins with deit_small_patch16_224`, `30 epochs on ${NOT_RUN}`),
  entry("official", evitDeitSmall, IMAGENET, `300 epochs on ${NOT_RUN}`),
  entry("official", plainDetrSwinv2Small, "COCO, 118,000 pictures with boxes", `12 epochs on ${NOT_RUN}`),
  entry("official", sparkResnet50, "ImageNet-1k, 1.28 million pictures, without labels", `1600 epochs on ${NOT_RUN}`),
  entry("official", sparseformerTinyImagenet, IMAGENET, `300 epochs on ${NOT_RUN}`),
  entry("official", sparseformerKinetics, KINETICS, `30 epochs on ${NOT_RUN}`),
  ...uniAdafocusRecipes.map((recipe) => entry("official", recipe, SOMETHING, `50 epochs on ${NOT_RUN}`)),
  entry("official", retinanetCoco, "COCO, 118,287 pictures", `12 epochs on ${NOT_RUN}`),
  entry("official", terminatorRecipe, "CIFAR", "hours an epoch on one core"),
  ...gfnetRecipes.map((recipe) =>
    entry("official", recipe, `${IMAGENET}; begins with a trained backbone`, `75 to 195 epochs on ${NOT_RUN}`),
  ),
];
